package otlp

import "time"

// The services of the complex shape.
const (
	storefront = iota
	edge
	cart
	payment
	orders
	shipping
)

func complexResource(v values, service int) []Attribute {
	s := [...]struct{ name, language string }{
		storefront: {"storefront", "nodejs"},
		edge:       {"edge", "go"},
		cart:       {"cart", "dotnet"},
		payment:    {"payment", "java"},
		orders:     {"orders", "java"},
		shipping:   {"shipping", "python"},
	}[service]
	return append(v.workload(s.name, s.language), v.host()...)
}

// complexTrace is a purchase: HTTP at the border, gRPC inside, three kinds of
// databases, a queue whose consumer links to its producer, and a payment that fails
// now and then.
func complexTrace(v values) []Span {
	code, failed := 200, ""
	if v.oneIn(20) {
		code, failed = 502, "bank did not answer"
	}
	order, sku := v.hex(12), "sku-"+v.hex(8)
	spans := []Span{
		httpServer(v, storefront, -1, "POST", "/checkout", code),
		internal(storefront, 0, "render cart",
			Attribute{Key: "app.cart.items", Value: []string{sku, "sku-" + v.hex(8)}},
			Attribute{Key: "app.cart.total", Value: float64(v.between(100, 90_000)) / 100}),
		httpClient(v, storefront, 0, "POST", "edge.shop.svc", "/api/checkout", code),
		httpServer(v, edge, 2, "POST", "/api/checkout", code),
		authorize(v, 3),
		rpc(v, edge, 3, Client, "cart.v1.Cart", "Get"),
		rpc(v, cart, 5, Server, "cart.v1.Cart", "Get"),
		database(v, cart, 6, "redis", "GET", "", "GET cart:?"),
		database(v, cart, 6, "redis", "HGETALL", "", "HGETALL items:?"),
		rpc(v, edge, 3, Client, "payment.v1.Payments", "Charge"),
		rpc(v, payment, 9, Server, "payment.v1.Payments", "Charge"),
		internal(payment, 10, "score risk",
			Attribute{Key: "app.risk.score", Value: v.Float64()},
			Attribute{Key: "app.risk.rules", Value: []string{"velocity", "country", "amount"}},
			Attribute{Key: "app.risk.manual", Value: v.oneIn(30)}),
		httpClient(v, payment, 10, "POST", "api.bank.example", "/v2/charges", code),
		database(v, payment, 10, "postgresql", "INSERT", "charges",
			"INSERT INTO charges (id, order_id, amount, currency) VALUES ($1, $2, $3, $4)"),
		httpClient(v, edge, 3, "PUT", "orders.shop.svc", "/orders/"+order, 200),
		httpServer(v, orders, 14, "PUT", "/orders/{id}", 200),
		database(v, orders, 15, "mysql", "INSERT", "orders",
			"INSERT INTO orders (id, customer, state) VALUES (?, ?, ?)"),
		message(v, orders, 15, Producer, "send", order),
		message(v, shipping, 17, Consumer, "process", order),
		database(v, shipping, 18, "mongodb", "findAndModify", "parcels", ""),
	}
	spans[18].Link = 17
	fail(spans, failed)
	spans[0].Lasts = time.Duration(v.between(50_000, 3_500_000)) * time.Microsecond
	for i := range spans[1:] {
		spans[1+i].Lasts = v.within(spans[spans[1+i].Parent].Lasts)
	}
	return spans
}

// fail marks the call to the bank and what waits for it, when there is a message.
func fail(spans []Span, message string) {
	if message == "" {
		return
	}
	for _, i := range []int{0, 2, 3, 9, 10, 12} {
		spans[i].Failed = message
	}
	spans[12].Events = []Event{{
		Name: "exception", Before: 10 * time.Microsecond,
		Attributes: []Attribute{
			{Key: "exception.type", Value: "java.net.SocketTimeoutException"},
			{Key: "exception.message", Value: message},
			{Key: "exception.stacktrace", Value: "java.net.SocketTimeoutException: " + message +
				"\n\tat bank.Client.charge(Client.java:112)\n\tat payment.Charges.run(Charges.java:48)"},
		},
	}}
}

func internal(service, parent int, name string, attributes ...Attribute) Span {
	return Span{
		Service: service, Scope: "shop/business", Parent: parent, Link: -1,
		Name: name, Kind: Internal, Attributes: attributes,
	}
}

func authorize(v values, parent int) Span {
	s := internal(edge, parent, "authorize",
		Attribute{Key: "user.id", Value: v.hex(16), Varies: true},
		Attribute{Key: "user.roles", Value: []string{"customer", v.pick("gold", "silver")}},
		Attribute{Key: "app.auth.cached", Value: v.oneIn(2)})
	s.Events = []Event{{
		Name: "token checked", Before: 20 * time.Microsecond,
		Attributes: []Attribute{{Key: "app.auth.issuer", Value: "https://id.shop.example"}},
	}}
	return s
}

func httpServer(v values, service, parent int, method, route string, code int) Span {
	return Span{
		Service: service, Scope: "shop/http", Parent: parent, Link: -1,
		Name: method + " " + route, Kind: Server,
		Attributes: []Attribute{
			{Key: "http.request.method", Value: method},
			{Key: "http.response.status_code", Value: code},
			{Key: "http.route", Value: route},
			{Key: "url.path", Value: route},
			{Key: "url.query", Value: "session=" + v.hex(16)},
			{Key: "url.scheme", Value: "https"},
			{Key: "client.address", Value: v.ip()},
			{Key: "network.protocol.version", Value: "2"},
			{Key: "http.request.header.x-request-id", Value: []string{v.uuid()}},
			{Key: "user_agent.original", Value: v.userAgent()},
			{Key: "app.request.id", Value: v.hex(32), Varies: true},
		},
	}
}

func httpClient(v values, service, parent int, method, host, path string, code int) Span {
	return Span{
		Service: service, Scope: "shop/http", Parent: parent, Link: -1,
		Name: method, Kind: Client,
		Attributes: []Attribute{
			{Key: "http.request.method", Value: method},
			{Key: "http.response.status_code", Value: code},
			{Key: "url.full", Value: "https://" + host + path},
			{Key: "server.address", Value: host},
			{Key: "server.port", Value: 443},
			{Key: "network.peer.address", Value: v.ip()},
			{Key: "http.request.resend_count", Value: v.IntN(2)},
			{Key: "app.request.id", Value: v.hex(32), Varies: true},
		},
	}
}

func rpc(v values, service, parent int, kind Kind, name, method string) Span {
	return Span{
		Service: service, Scope: "shop/rpc", Parent: parent, Link: -1,
		Name: name + "/" + method, Kind: kind,
		Attributes: []Attribute{
			{Key: "rpc.system", Value: "grpc"},
			{Key: "rpc.service", Value: name},
			{Key: "rpc.method", Value: method},
			{Key: "rpc.grpc.status_code", Value: 0},
			{Key: "server.address", Value: "grpc.shop.svc"},
			{Key: "server.port", Value: 9090},
			{Key: "network.peer.address", Value: v.ip()},
			{Key: "app.request.id", Value: v.hex(32), Varies: true},
		},
		Events: []Event{{
			Name: "rpc.message", Before: 30 * time.Microsecond,
			Attributes: []Attribute{
				{Key: "rpc.message.type", Value: v.pick("SENT", "RECEIVED")},
				{Key: "rpc.message.id", Value: 1},
			},
		}},
	}
}

func database(v values, service, parent int, system, operation, table, text string) Span {
	s := Span{
		Service: service, Scope: "shop/db", Parent: parent, Link: -1,
		Name: operation, Kind: Client,
		Attributes: []Attribute{
			{Key: "db.system.name", Value: system},
			{Key: "db.namespace", Value: "shop"},
			{Key: "db.operation.name", Value: operation},
			{Key: "db.response.returned_rows", Value: v.between(0, 50)},
			{Key: "server.address", Value: system + ".shop.svc"},
			{Key: "app.db.shard", Value: v.hex(16), Varies: true},
		},
	}
	if table != "" {
		s.Name += " " + table
		s.Attributes = append(s.Attributes, Attribute{Key: "db.collection.name", Value: table})
	}
	if text != "" {
		s.Attributes = append(s.Attributes, Attribute{Key: "db.query.text", Value: text})
	}
	return s
}

func message(v values, service, parent int, kind Kind, operation, key string) Span {
	return Span{
		Service: service, Scope: "shop/kafka", Parent: parent, Link: -1,
		Name: operation + " orders", Kind: kind,
		Attributes: []Attribute{
			{Key: "messaging.system", Value: "kafka"},
			{Key: "messaging.operation.name", Value: operation},
			{Key: "messaging.operation.type", Value: operation},
			{Key: "messaging.destination.name", Value: "orders"},
			{Key: "messaging.destination.partition.id", Value: v.pick("0", "1", "2", "3")},
			{Key: "messaging.kafka.message.key", Value: key},
			{Key: "messaging.kafka.offset", Value: v.between(1_000_000, 9_000_000)},
			{Key: "messaging.message.id", Value: v.hex(32), Varies: true},
		},
	}
}
