import Glibc

// Names are ordered, and are equal, by their bytes. Those of a tree begin alike, so most of each
// comparison goes over what is equal.

extension String {
    /// Whether its bytes come before those of the other text.
    public func precedesByBytes(_ other: String) -> Bool {
        withBytes { left in
            other.withBytes { right in
                let order = order(left, right)
                return order < 0 || order == 0 && left.count < right.count
            }
        }
    }

    /// Whether it has the same bytes.
    public func equalsByBytes(_ other: String) -> Bool {
        withBytes { left in
            other.withBytes { right in left.count == right.count && order(left, right) == 0 }
        }
    }

    /// Lends its bytes.
    func withBytes<Value>(_ body: (UnsafeBufferPointer<UInt8>) -> Value) -> Value {
        utf8.withContiguousStorageIfAvailable(body) ?? Array(utf8).withUnsafeBufferPointer(body)
    }
}

/// Of as many bytes as both have.
private func order(
    _ left: UnsafeBufferPointer<UInt8>, _ right: UnsafeBufferPointer<UInt8>
) -> Int32 {
    guard let first = left.baseAddress, let second = right.baseAddress else { return 0 }
    return memcmp(first, second, min(left.count, right.count))
}
