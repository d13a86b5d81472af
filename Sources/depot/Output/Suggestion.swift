/// What somebody may have meant who mistyped a word.
enum Suggestion {
    /// Longer words are compared with nothing: the effort grows with the square.
    private static let lengthMax = 256

    /// Those that are near enough to be meant, the nearest first.
    static func nearest(
        to word: String, among others: some Sequence<String>, countMax: Int = 3
    ) -> [String] {
        let typed = Array(word.lowercased())
        guard (1...lengthMax).contains(typed.count) else { return [] }
        let limit = max(1, typed.count / 3)
        var found: [(distance: Int, word: String)] = []
        for other in others where other != word && abs(other.count - typed.count) <= limit {
            let distance = distance(typed, Array(other.lowercased()))
            if distance <= limit { found.append((distance, other)) }
        }
        return found.sorted { ($0.distance, $0.word) < ($1.distance, $1.word) }
            .prefix(countMax).map(\.word)
    }

    /// Letters that are missing, too many, wrong, or swapped with their neighbours: the optimal string
    /// alignment distance (Damerau, *A technique for computer detection and correction of spelling
    /// errors*, 1964).
    static func distance(_ left: [Character], _ right: [Character]) -> Int {
        guard !left.isEmpty, !right.isEmpty else { return max(left.count, right.count) }
        var (before, last) = ([Int](), Array(0...right.count))
        for row in 1...left.count {
            var next = [row]
            for column in 1...right.count {
                let isSame = left[row - 1] == right[column - 1]
                var best = min(
                    last[column] + 1, next[column - 1] + 1, last[column - 1] + (isSame ? 0 : 1))
                if row > 1, column > 1, left[row - 1] == right[column - 2],
                    left[row - 2] == right[column - 1]
                {
                    best = min(best, before[column - 2] + 1)
                }
                next.append(best)
            }
            (before, last) = (last, next)
        }
        return last[right.count]
    }

    /// `did you mean 'a' or 'b'?`; `nil` where there is nothing to mean.
    static func question(_ words: [String]) -> String? {
        guard !words.isEmpty else { return nil }
        return "did you mean \(words.map { "'\($0)'" }.joined(separator: " or "))?"
    }
}
