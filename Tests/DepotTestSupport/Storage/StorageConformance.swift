import DepotCore
import NIOCore
import Testing

/// What every `ChunkStorage` must do, one behaviour a test case. Give each a storage of its own, empty.
public enum StorageConformance {
    public static let behaviours: [StorageBehaviour] =
        objects + durability + checks + inventories + deletions + memberships + segmentLists
        + scrubs + compactions

    /// The same, where nobody can damage a copy, restart the storage, or keep it out of a cluster.
    public static func behaviours(needing abilities: StorageAbilities) -> [StorageBehaviour] {
        behaviours.filter { abilities.isSuperset(of: $0.needs) }
    }
}

/// What a behaviour needs of a subject beyond the protocol.
public struct StorageAbilities: OptionSet, Sendable {
    public let rawValue: Int
    public init(rawValue: Int) { self.rawValue = rawValue }

    /// `StorageSubject.damage`
    public static let damage = StorageAbilities(rawValue: 1)
    /// `StorageSubject.restart`
    public static let restart = StorageAbilities(rawValue: 2)
    /// The storage belongs to no cluster yet.
    public static let free = StorageAbilities(rawValue: 4)
}

/// A storage under test.
public struct StorageSubject: Sendable {
    public let storage: any ChunkStorage
    /// Flips a bit in the bytes of a copy, past the storage's back; of the storage that came up last.
    public let damage: (@Sendable (ObjectID) async throws -> Void)?
    /// Cuts its power, or kills it, and gives what comes up again.
    public let restart: (@Sendable () async throws -> any ChunkStorage)?

    public init(
        _ storage: any ChunkStorage,
        damage: (@Sendable (ObjectID) async throws -> Void)? = nil,
        restart: (@Sendable () async throws -> any ChunkStorage)? = nil
    ) {
        self.storage = storage
        self.damage = damage
        self.restart = restart
    }

    func damageCopy(of id: ObjectID) async throws {
        guard let damage else { throw Self.inability }
        try await damage(id)
    }

    func restarted() async throws -> any ChunkStorage {
        guard let restart else { throw Self.inability }
        return try await restart()
    }

    private static let inability = DepotError(
        .internalError, "the subject cannot do what is needed")
}

/// One thing that a storage does, and how to see that it does.
public struct StorageBehaviour: Sendable, CustomTestStringConvertible {
    public let name: String
    public let needs: StorageAbilities
    public let check: @Sendable (StorageSubject) async throws -> Void

    init(
        _ name: String, needs: StorageAbilities = [],
        _ check: @escaping @Sendable (StorageSubject) async throws -> Void
    ) {
        self.name = name
        self.needs = needs
        self.check = check
    }

    public var testDescription: String { name }
}
