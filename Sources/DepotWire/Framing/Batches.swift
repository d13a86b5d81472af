// Whatever crosses the network in batches is bounded twice: in bytes, which are memory, and in number, for what each item
// costs beside its bytes. Clients and FileServer cut in the same way.

extension Sequence {
    /// Consecutive parts, each within the bounds; an item that is larger goes alone.
    public func batches(
        bytesMax: Int, countMax: Int, length: (Element) -> Int
    ) -> [[Element]] {
        var batches: [[Element]] = []
        var batch: [Element] = []
        var bytes = 0
        for item in self {
            let itemLength = length(item)
            if !batch.isEmpty, bytes + itemLength > bytesMax || batch.count == countMax {
                batches.append(batch)
                (batch, bytes) = ([], 0)
            }
            batch.append(item)
            bytes += itemLength
        }
        if !batch.isEmpty { batches.append(batch) }
        return batches
    }
}
