import Glibc
import NIOCore

/// What is done with bytes that nobody vouches for. It must not trap, and what it takes must be what
/// it would write.
struct FuzzTarget: Sendable {
    let name: String
    let run: @Sendable (ByteBuffer) -> Void

    static let all = core + wire + store + server

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
