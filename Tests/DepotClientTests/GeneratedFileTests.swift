import DepotClient
import DepotCore
import Testing

/// Files that are made while they are read, as those of /proc, say that they are empty. They were "changed while it was read",
/// and a read that failed was not told.
@Suite struct GeneratedFileTests {
    @Test func `a file that says it is empty and is not is read to its end`() async throws {
        let bench = try Workbench()
        let source = UploadSource(
            name: try FileName("a"), origin: .file(path: "/proc/sys/kernel/ostype"))
        #expect(try await bench.deposit([source]).names == ["a"])
        #expect(try await bench.retrieve("a") == Array("Linux\n".utf8))
    }

    @Test func `where it cannot be read the system's word is told`() async throws {
        let bench = try Workbench()
        let source = UploadSource(name: try FileName("a"), origin: .file(path: "/proc/self/mem"))
        let told = try await bench.deposit([source])
        #expect(told.failures.map(\.error.code) == [.fileFailed])
        #expect(told.failures.first?.error.message.contains("Input/output error") == true)
    }

    @Test func `an empty file is one`() async throws {
        let bench = try Workbench()
        let source = try bench.file("a", [])
        #expect(try await bench.deposit([source]).names == ["a"])
        #expect(try await bench.retrieve("a") == [])
    }
}
