import DepotCore

/// Objects whose live copy was hashed twice and found wrong. A barrier and a put take them for
/// absent, so that a good copy comes; the bad one stays on the disk until the object is whole.
struct Quarantine {
    private(set) var objects: Set<ObjectID>
    /// Objects that were put again into the open segment. Should its file vanish, the bad copy is
    /// the last one again. One of them may be in quarantine again: then the new copy is bad, too.
    private(set) var healing: Set<ObjectID> = []

    init(_ objects: Set<ObjectID>) { self.objects = objects }

    func contains(_ id: ObjectID) -> Bool { objects.contains(id) }
    /// The objects among these that are in quarantine.
    func found(_ ids: [ObjectID]) -> [ObjectID] { ids.filter(objects.contains) }

    mutating func add(_ ids: [ObjectID]) { objects.formUnion(ids) }

    /// - Returns: those that were in quarantine.
    @discardableResult
    mutating func remove(_ ids: some Collection<ObjectID>) -> [ObjectID] {
        objects.isEmpty ? [] : ids.filter { objects.remove($0) != nil }
    }

    /// A new copy of an object was appended.
    mutating func replaced(_ id: ObjectID) {
        if !objects.isEmpty, objects.remove(id) != nil { healing.insert(id) }
    }

    /// The new copies are durable, and the index learns of them when it merges their segment.
    mutating func healingEnded() { healing = [] }

    /// The new copies are gone.
    ///
    /// - Parameter listed: objects that have an older copy, which is the bad one.
    /// - Returns: the objects that are in quarantine again.
    mutating func healingUndone(for listed: Set<ObjectID>) -> [ObjectID] {
        let bad = healing.intersection(listed)
        objects.formUnion(bad)
        healing = []
        return Array(bad)
    }
}
