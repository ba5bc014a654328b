package otlp

import "time"

// docsResource and docsTrace are the workload of Odigos' published sizes: a client
// span and the server span under it, of two services, each with nine attributes of
// HTTP and 24 of the application's own, about 1.9 KB a span.
func docsResource(v values, service int) []Attribute {
	name, language := "storefront", "nodejs"
	if service == 1 {
		name, language = "checkout", "java"
	}
	return append(v.workload(name, language), v.host()...)
}

func docsTrace(v values) []Span {
	lasts := time.Duration(v.between(20_000, 900_000)) * time.Microsecond
	route := v.pick("/api/orders/{id}", "/api/carts/{id}", "/api/users/{id}")
	path := route[:len(route)-len("{id}")] + v.hex(12)
	method := v.pick("GET", "PUT")
	status, failed := 200, ""
	if v.oneIn(50) {
		status, failed = 503, "upstream is not ready"
	}
	client := []Attribute{
		{Key: "http.request.method", Value: method},
		{Key: "http.response.status_code", Value: status},
		{Key: "url.full", Value: "http://checkout.shop.svc:8080" + path},
		{Key: "server.address", Value: "checkout.shop.svc"},
		{Key: "server.port", Value: 8080},
		{Key: "network.protocol.version", Value: "1.1"},
		{Key: "network.peer.address", Value: v.ip()},
		{Key: "network.peer.port", Value: 8080},
		{Key: "user_agent.original", Value: v.userAgent()},
	}
	server := []Attribute{
		{Key: "http.request.method", Value: method},
		{Key: "http.response.status_code", Value: status},
		{Key: "http.route", Value: route},
		{Key: "url.path", Value: path},
		{Key: "url.scheme", Value: "http"},
		{Key: "server.address", Value: "checkout.shop.svc"},
		{Key: "server.port", Value: 8080},
		{Key: "client.address", Value: v.ip()},
		{Key: "user_agent.original", Value: v.userAgent()},
	}
	return []Span{
		{
			Service: 0, Scope: "@opentelemetry/instrumentation-undici", Parent: -1, Link: -1,
			Name: method, Kind: Client, Lasts: lasts, Failed: failed,
			Attributes: append(client, docsOwn(v)...),
		},
		{
			Service: 1, Scope: "io.opentelemetry.tomcat-10.0", Parent: 0, Link: -1,
			Name: method + " " + route, Kind: Server, Lasts: v.within(lasts), Failed: failed,
			Attributes: append(server, docsOwn(v)...),
		},
	}
}

// docsOwn are the 24 attributes of the application's own.
func docsOwn(v values) []Attribute {
	own := []Attribute{{Key: "app.request.id", Value: v.hex(32), Varies: true}}
	for i, key := range []string{
		"app.session.id", "app.customer.id", "app.customer.segment", "app.cart.token",
		"app.order.reference", "app.order.checksum", "app.payment.token", "app.payment.risk",
		"app.shipping.label", "app.shipping.carrier", "app.catalog.version", "app.catalog.shard",
		"app.pricing.rule", "app.pricing.currency", "app.feature.flags", "app.feature.cohort",
		"app.tenant.id", "app.tenant.region", "app.cache.key", "app.cache.node",
		"app.build.revision", "app.trace.note", "app.client.fingerprint",
	} {
		own = append(own, Attribute{Key: key, Value: v.text(26 + 5*(i%5))})
	}
	return own
}

func simpleResource(v values, _ int) []Attribute { return v.workload("checkout", "go") }

// simpleTrace is one service at work: a server span and nine calls below it, each
// with seven strings and three numbers, 355 B a span.
func simpleTrace(v values) []Span {
	lasts := time.Duration(v.between(1_000, 500_000)) * time.Microsecond
	spans := make([]Span, 10)
	for i := range spans {
		s := Span{
			Scope: "shop/checkout", Parent: -1, Link: -1, Name: "GET /cart",
			Kind: Server, Lasts: lasts,
		}
		if i > 0 {
			s.Parent = (i - 1) / 3
			s.Lasts = v.within(spans[s.Parent].Lasts)
			s.Name, s.Kind = v.pick("GET /items", "GET /price"), Client
		}
		s.Attributes = []Attribute{
			{Key: "http.request.method", Value: v.pick("GET", "PUT")},
			{Key: "url.path", Value: v.pick("/items/", "/price/") + v.hex(8)},
			{Key: "url.scheme", Value: "http"},
			{Key: "server.address", Value: v.pick("catalog", "pricing")},
			{Key: "client.address", Value: v.ip()},
			{Key: "session.id", Value: v.hex(16), Varies: true},
			{Key: "user.id", Value: v.hex(8)},
			{Key: "server.port", Value: v.pick2(8080, 8443)},
			{Key: "http.response.status_code", Value: v.pick2(200, 304)},
			{Key: "thread.id", Value: v.between(200, 16_000)},
		}
		spans[i] = s
	}
	return spans
}
