import HTTPTypes

extension HTTPFields {
    /// A header that HTTP does not have.
    subscript(own name: String) -> String? {
        get { HTTPField.Name(name).flatMap { self[$0] } }
        set {
            if let name = HTTPField.Name(name) { self[name] = newValue }
        }
    }
}
