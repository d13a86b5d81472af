// Whatever goes in batches is bounded twice: in size, mostly bytes, which are memory, and in
// number, for what each item costs beside them. Clients and FileServer cut in the same way.

extension Sequence {
    /// Consecutive parts, each within the bounds; an item that is larger goes alone.
    public func batches(
        sizeMax: Int, countMax: Int = .max, size: (Element) -> Int
    ) -> [[Element]] {
        var batches: [[Element]] = []
        var batch: [Element] = []
        var sum = 0
        for item in self {
            let itemSize = size(item)
            if !batch.isEmpty, sum + itemSize > sizeMax || batch.count == countMax {
                batches.append(batch)
                (batch, sum) = ([], 0)
            }
            batch.append(item)
            sum += itemSize
        }
        if !batch.isEmpty { batches.append(batch) }
        return batches
    }
}

extension Array {
    /// Consecutive parts of at most `count` elements.
    package func batches(of count: Int) -> [ArraySlice<Element>] {
        stride(from: 0, to: self.count, by: count).map {
            self[$0..<Swift.min($0 + count, self.count)]
        }
    }
}
