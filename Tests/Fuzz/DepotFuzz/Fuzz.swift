import Dispatch
import FoundationEssentials
import Glibc
import NIOCore
import Synchronization

/// What is done with bytes that nobody vouches for. It must not trap, and what it takes must be what
/// it would write.
struct FuzzTarget: Sendable {
    let name: String
    let run: @Sendable (ByteBuffer) -> Void

    static let all = core + wire + store + server + [segment, catalogRows]

    /// The one that the environment names.
    static let chosen: FuzzTarget = {
        let name = getenv("DEPOT_FUZZ_TARGET").map { String(cString: $0) } ?? ""
        guard let found = all.first(where: { $0.name == name }) else {
            print("DEPOT_FUZZ_TARGET has to be one of \(all.map(\.name).joined(separator: " "))")
            exit(2)
        }
        return found
    }()
}

/// What libFuzzer calls with one input after the other.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    FuzzTarget.chosen.run(ByteBuffer(bytes: UnsafeBufferPointer(start: bytes, count: count)))
    return 0
}

/// A property that does not hold is a finding, as a trap is.
func require(_ holds: Bool, _ what: @autoclosure () -> String) {
    if !holds { fatalError(what()) }
}

/// Has libFuzzer wait until it is done.
func wait(for body: @escaping @Sendable () async -> Void) {
    let done = DispatchSemaphore(value: 0)
    Task.detached {
        await body()
        done.signal()
    }
    done.wait()
}

/// Folders for what is read from a disk.
enum FuzzFolder {
    /// In memory where the system has such a place: nothing is lost by syncs that do nothing. It is
    /// gone when the process ends as it should.
    static func make(_ name: String) -> String {
        let memory = "/dev/shm"
        let place =
            FileManager.default.isWritableFile(atPath: memory)
            ? memory : FileManager.default.temporaryDirectory.path
        let folder = "\(place)/depot-fuzz-\(name)-\(getpid())"
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true)
        } catch {
            fatalError("no folder \(folder): \(error)")
        }
        made.withLock { $0.append(folder) }
        atexit {
            for folder in FuzzFolder.made.withLock({ $0 }) {
                try? FileManager.default.removeItem(atPath: folder)
            }
        }
        return folder
    }

    private static let made = Mutex<[String]>([])
}
