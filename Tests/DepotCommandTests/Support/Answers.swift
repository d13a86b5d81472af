// What `--json` promises, written down a second time: a field that is renamed breaks somebody's program.

struct Receipt: Decodable, Equatable {
    let deposit: String
    let name: String
    let sequence: String
    let manifest: String
    let size: Int
    let level: Int
    let copies: Int
    let degraded: Bool
    let chunks: Int
    let newChunks: Int
    let newBytes: Int
    let sharedBytes: Int
}

struct TreeReceipt: Decodable {
    struct Counts: Decodable { let files: Int }
    struct Totals: Decodable {
        let files: Int
        let unchanged: Counts
        let changedUnseen: Int
    }
    struct Skipped: Decodable { let path: String }
    let files: [Receipt]
    let totals: Totals
    let skipped: [Skipped]
}

struct Retrieved: Decodable {
    struct BadCopy: Decodable {
        let replica: String
        let chunk: String
        let reason: String
    }
    let name: String
    let size: Int
    let badCopies: [BadCopy]
}

struct Listing: Decodable {
    struct File: Decodable, Equatable {
        let name: String
        let size: Int
        let level: Int
        let manifest: String
    }
    let files: [File]
}

struct VersionList: Decodable {
    struct Manifest: Decodable { let id: String }
    struct File: Decodable { let manifest: Manifest }
    struct Word: Decodable {
        let sequence: String
        let isCurrent: Bool
        /// `nil`: it was deleted.
        let file: File?
    }
    /// The newest first.
    let versions: [Word]
}

struct Info: Decodable {
    struct Holding: Decodable {
        let replica: String
        let state: String
    }
    struct Chunk: Decodable {
        let id: String
        let length: Int
        let target: Int
        let holdings: [Holding]

        var good: [String] { holdings.filter { $0.state == "good" }.map(\.replica) }
    }
    let size: Int
    let manifest: String
    let level: Int
    let degraded: Bool
    let chunks: [Chunk]
}

struct LevelChange: Decodable {
    let from: Int
    let to: Int
    let copied: Int
    let dropped: Int
    let pinned: Int
}

struct Status: Decodable {
    struct Replica: Decodable {
        let id: String?
        let name: String
        let state: String
        let chunks: Int
        let problem: String?
    }
    /// Why nothing is written.
    let problem: String?
    let replicas: [Replica]
    let files: Int
    let underReplicated: Int
    let storedBytes: Int
}

struct Verified: Decodable {
    struct Object: Decodable {
        let kind: String
        let hash: String
    }
    struct Problem: Decodable {
        let kind: String
        let replica: String
        let object: Object?
        let segment: Int?
        let files: [String]
        let detail: String?
        let isRepaired: Bool
    }
    struct Replica: Decodable {
        let name: String
        let copies: Int
        let bytesRead: Int
        let skipped: String?
    }
    struct Verification: Decodable {
        let problems: [Problem]
        let problemCount: Int
        let repairedCount: Int
        let copiesMade: Int
        let underReplicated: Int
        let unreadable: Int
        let replicas: [Replica]
        let lost: [String]
    }
    let verification: Verification
    let exitCode: Int32
}

struct Failure: Decodable {
    struct Body: Decodable {
        let code: String
        let message: String
        let object: String?
    }
    let error: Body
}

struct Coverage: Decodable {
    struct Replica: Decodable {
        let name: String
        let copies: Int
        let checkedCopies: Int
        let oldestDays: Double?
    }
    let replicas: [Replica]
}

struct Collected: Decodable {
    struct Plan: Decodable {
        let unusedChunks: Int
        let readyCopies: Int
    }
    let plan: Plan
    let deletedCopies: Int
    let freedBytes: Int
    let compactedSegments: Int
}

struct Drained: Decodable {
    struct Drain: Decodable { let state: String }
    let drain: Drain
    let isSafeToRemove: Bool
}

struct Forgotten: Decodable {
    let members: Int
    let lostFiles: Int
}

struct Simulated: Decodable {
    let unreadableFiles: Int
    let lastCopyFiles: Int
}

struct Proof: Decodable {
    struct Receipt: Decodable {
        let isProved: Bool
        let copiesNow: Int
        let short: Int
        let nameState: String
    }
    let proved: Bool
    let receipts: [Receipt]
}

struct Rebuilt: Decodable {
    struct Report: Decodable {
        let files: Int
        let tombstones: Int
        let missing: [String]
    }
    let report: Report
    let isComplete: Bool
    let movedAside: String?
}
