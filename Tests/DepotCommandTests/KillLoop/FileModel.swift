/// What may be found under the names of one client, now, at an instant, and among the versions: exactly what was
/// acknowledged or, after an operation that failed or was never answered, what was there before or what was to be there.
struct FileModel {
    /// The number of a content; `nil`: no such file.
    typealias Content = Int?

    /// What an operation made of a name, or may have made of it.
    struct Word {
        let content: Content
        let isAcknowledged: Bool
        /// The seconds since 1970 in which the operation began, and in which it ended.
        let began: Int
        let ended: Int
        /// Whether its version has to be there: nothing may have purged it.
        var isKept = true
        /// It was held when it was purged, or may have been.
        fileprivate(set) var outlivedPurge = false
        /// Of such a one: the second in which it was something else at the latest.
        fileprivate(set) var over: Int?

        init(_ content: Content, isAcknowledged: Bool, began: Int, ended: Int) {
            self.content = content
            self.isAcknowledged = isAcknowledged
            self.began = began
            self.ended = ended
        }
    }

    private enum Hold { case certain, possible }

    let names: [String]
    /// The oldest first.
    private var words: [String: [Word]] = [:]
    private var holds: [String: [Int: Hold]] = [:]
    /// What was done to each name, for whoever looks into a failure.
    private var history: [String: [String]] = [:]

    init(names: [String]) { self.names = names }

    // MARK: What was done

    mutating func add(_ word: Word, to name: String) { words[name, default: []].append(word) }

    /// Whatever happens to the catalog later, what was purged is gone, and what is held is there.
    ///
    /// - Parameter deletion: what the purge makes of the name.
    mutating func purge(_ name: String, _ deletion: Word) {
        var deletion = deletion
        deletion.isKept = false
        let all = words(name) + [deletion]
        let left = all.indices.dropLast().compactMap { index -> Word? in
            var word = all[index]
            let hold = word.content.flatMap { holds[name]?[$0] }
            if hold == nil, deletion.isAcknowledged { return nil }
            if hold != .certain { word.isKept = false }
            let next = all[index...].first { $0.isAcknowledged && $0.content != word.content }
            word.over = word.over ?? next?.ended
            word.outlivedPurge = true
            return word
        }
        words[name] = left + [deletion]
    }

    /// Somebody asked that a content of a name be held, or be held no more.
    mutating func hold(_ name: String, _ content: Int, _ isHeld: Bool, isAcknowledged: Bool) {
        let before = holds[name]?[content]
        // What was purged, and stayed because it was held, goes when it is not.
        if !isHeld {
            for index in words(name).indices where words(name)[index].content == content {
                if words(name)[index].outlivedPurge { words[name]?[index].isKept = false }
            }
        }
        if isAcknowledged {
            holds[name, default: [:]][content] = isHeld ? .certain : nil
        } else if (before == .certain) != isHeld {
            holds[name, default: [:]][content] = .possible
        }
    }

    mutating func note(_ name: String, _ what: String) { history[name, default: []].append(what) }

    func history(of name: String) -> String {
        (history[name] ?? []).suffix(16).joined(separator: "\n  ")
    }

    // MARK: What may be found

    private func words(_ name: String) -> [Word] { words[name] ?? [] }

    /// - Parameter instant: seconds since 1970; now where none is given.
    func allowed(_ name: String, at instant: Int? = nil) -> Set<Content> {
        guard let instant else { return allowedNow(name) }
        var found: Set<Content> = [nil]
        for word in words(name) where word.began <= instant {
            // Times are whole seconds: in those of the operation it may have been there, or not yet.
            if word.isAcknowledged, word.isKept, word.ended <= instant { found = [] }
            // What came after it may have been purged, so that nobody knows.
            if word.over != nil { found.insert(nil) }
            if word.over.map({ instant < $0 }) ?? true { found.insert(word.content) }
        }
        return found
    }

    func mustExist(_ name: String) -> Bool { !allowed(name).contains(nil) }

    private func allowedNow(_ name: String) -> Set<Content> {
        let words = words(name)
        let last = words.lastIndex(where: \.isAcknowledged)
        return Set(words[(last ?? 0)...].map(\.content)).union(last == nil ? [nil] : [])
    }

    /// Seconds in which something was done to a name.
    func instants(of name: String) -> [Int] { Set((words[name] ?? []).map(\.ended)).sorted() }

    /// Whether a name may have been all of these, one after the other, and nothing else: whatever was acknowledged is
    /// among them. What says the same as the one before may be there or not.
    ///
    /// - Parameter listed: the oldest first.
    func mayHaveBeen(_ name: String, _ listed: [Content]) -> Bool {
        /// How many of the list the words so far can be.
        var counts: Set<Int> = [0]
        for word in words(name) {
            var next = word.isAcknowledged && word.isKept ? [] : counts
            for var count in counts {
                if count > 0, listed[count - 1] == word.content { next.insert(count) }
                while count < listed.count, listed[count] == word.content {
                    count += 1
                    next.insert(count)
                }
            }
            counts = next
        }
        return counts.contains(listed.count)
    }
}
