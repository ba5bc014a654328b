package ledger

import "fmt"

// Check tells whether the account sums to zero.
func (a *Account) Check() error {
	if a.Due != a.Unsent+a.Offered {
		return fmt.Errorf("check account: %d due are not %d unsent + %d offered",
			a.Due, a.Unsent, a.Offered)
	}
	items := uint64(0)
	for class := Acknowledged; class < numClasses; class++ {
		f := a.fate(class)
		items += f.Items
		if f.Items != f.Once+f.Repeatedly+f.NotDelivered {
			return fmt.Errorf("check account: of %d items %s, %d came once, %d repeatedly, %d not at all",
				f.Items, class, f.Once, f.Repeatedly, f.NotDelivered)
		}
		if f.Extra < f.Repeatedly || f.TurnedAway > f.NotDelivered {
			return fmt.Errorf("check account: items %s: %d extra deliveries of %d spans,"+
				" %d turned away of %d missing", class, f.Extra, f.Repeatedly, f.TurnedAway, f.NotDelivered)
		}
	}
	if a.Offered != items {
		return fmt.Errorf("check account: %d offered, %d in all classes", a.Offered, items)
	}
	return nil
}

// fate is the fate of a class that was offered.
func (a *Account) fate(class Class) *Fate {
	return [numClasses]*Fate{
		Acknowledged: &a.Acknowledged, RefusedRetryable: &a.RefusedRetryable,
		RefusedPermanent: &a.RefusedPermanent, RejectedInPart: &a.RejectedInPart,
		Unknown: &a.Unknown, Dropped: &a.Dropped,
	}[class]
}

// String is the class in words.
func (c Class) String() string {
	if c >= numClasses {
		return fmt.Sprintf("class %d", uint8(c))
	}
	return [numClasses]string{
		"unsent", "acknowledged", "refused (retryable)", "refused (permanent)",
		"rejected in part", "unknown", "dropped",
	}[c]
}
