import DepotCore
import DepotWire
import Synchronization

// Damage is found by others than verifications, too: when a replica comes back with an emptied
// disk, when a copy is read for a user or for repair. It is mended at once, often before anybody
// has asked. A verification that knew only what it met itself would then call a disk clean that has
// just lost everything, so they all leave a note.

/// Damage that was found since the last verification.
package final class DamageNotes: Sendable {
    package struct Note: Hashable, Sendable {
        package let kind: VerificationProblem.Kind
        package let object: ObjectID
        package let replica: ReplicaID
    }

    /// As many as a verification lists.
    package static let countMax = 100_000

    private let notes = Mutex<Set<Note>>([])

    package func add(_ kind: VerificationProblem.Kind, _ objects: [ObjectID], on replica: ReplicaID)
    {
        notes.withLock { notes in
            for object in objects where notes.count < Self.countMax {
                notes.insert(Note(kind: kind, object: object, replica: replica))
            }
        }
    }

    /// Hands over what is known of one replica, and forgets it.
    package func take(_ replica: ReplicaID) -> [Note] {
        notes.withLock { notes in
            let taken = notes.filter { $0.replica == replica }
            notes.subtract(taken)
            return taken.sorted { $0.object < $1.object }
        }
    }
}
