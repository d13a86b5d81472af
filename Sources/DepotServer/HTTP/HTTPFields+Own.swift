import DepotWire
import HTTPTypes

// Every request has some of these headers; a name is checked when it is made, so each is made once.

extension HTTPField.Name {
    static let trace = HTTPField.Name(TraceID.header)
    static let exchange = HTTPField.Name(WireExchange.header)
    static let bodyDigest = HTTPField.Name(BodyDigest.header)
    static let change = HTTPField.Name(FileServerRoute.request)
    static let page = HTTPField.Name(Credentials.pageHeader)
    static let site = HTTPField.Name(Credentials.siteHeader)
    static let referrerPolicy = HTTPField.Name("Referrer-Policy")
    static let frameOptions = HTTPField.Name("X-Frame-Options")
    static let resourcePolicy = HTTPField.Name("Cross-Origin-Resource-Policy")
}

extension HTTPFields {
    /// A header of depot's, or one that the package does not know.
    subscript(own name: HTTPField.Name?) -> String? {
        get { name.flatMap { self[$0] } }
        set {
            if let name { self[name] = newValue }
        }
    }
}
