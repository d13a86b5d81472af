import DepotCore
import NIOCore
import Testing

@Suite struct ObjectVerifierTests {
    private let bytes = ByteBuffer(string: "two parts of one object")

    @Test func `bytes in parts become an object`() throws {
        var verifier = try ObjectVerifier(
            expecting: .chunk(ChunkID(hashing: bytes)), length: bytes.readableBytes)
        var rest = bytes
        let start = rest.readSlice(length: 5)
        let first = try #require(start)
        verifier.append(first)
        #expect(verifier.missing == bytes.readableBytes - 5)
        verifier.append(rest)
        #expect(verifier.missing == 0)
        let object = try verifier.finish()
        #expect(object.id == .chunk(ChunkID(hashing: bytes)))
        #expect(object.length == bytes.readableBytes)
        #expect(object.parts == [first, rest])
        #expect(object.contiguous == bytes)
    }

    @Test func `other bytes are a mismatch that names what was found`() throws {
        let id = ChunkID(hashing: "something else")
        var verifier = try ObjectVerifier(expecting: .chunk(id), length: bytes.readableBytes)
        verifier.append(bytes)
        do throws(DepotError) {
            _ = try verifier.finish()
            Issue.record("accepted")
        } catch {
            #expect(error.code == .hashMismatch)
            #expect(error.object == id.hex)
            #expect(
                error.message
                    == "expected 23 bytes with this SHA-256, received 23 bytes with SHA-256 "
                    + "\(ChunkID(hashing: bytes).hex); nothing was stored, send it again")
        }
    }

    @Test func `missing bytes are a mismatch, even where the hash is right`() throws {
        // The hash of what came is the one expected: only the count tells.
        var verifier = try ObjectVerifier(
            expecting: .chunk(ChunkID(hashing: bytes)), length: bytes.readableBytes + 1)
        verifier.append(bytes)
        do throws(DepotError) {
            _ = try verifier.finish()
            Issue.record("accepted")
        } catch { #expect(error.code == .hashMismatch) }
    }

    @Test(arguments: [Int.min, -1, 0, Limits.chunkSizeMax + 1, Int.max])
    func `a length that no object has is refused`(length: Int) {
        do throws(DepotError) {
            _ = try ObjectVerifier(expecting: .chunk(ChunkID(hashing: "")), length: length)
            Issue.record("accepted")
        } catch { #expect(error.code == .invalidArgument) }
    }

    @Test func `more bytes than declared are the caller's mistake`() async {
        await #expect(processExitsWith: .failure) {
            var verifier = try ObjectVerifier(
                expecting: .chunk(ChunkID(hashing: "ab")), length: 1)
            verifier.append(ByteBuffer(string: "ab"))
        }
    }

    @Test func `hashed bytes are named by their hash`() {
        let object = VerifiedObject(hashing: bytes, kind: .record)
        #expect(object.id == .record(ChunkID(hashing: bytes)))
        #expect(ChunkReference(object).length == bytes.readableBytes)
    }
}
