import DepotCore
import DepotWire
import Testing

@Suite struct ErrorEnvelopeTests {
    @Test(arguments: DepotError.Code.allCases)
    func `an error crosses the network as it is, but for its cause`(code: DepotError.Code) throws {
        let error = DepotError(code, "what \"failed\"\n", object: "a/b", cause: CancellationError())
        let body = try WireJSON.encode(ErrorEnvelope(error))
        let read = try WireJSON.decode(ErrorEnvelope.self, from: body).depotError
        #expect(read.code == code && read.message == error.message && read.object == "a/b")
        #expect(read.cause == nil)
        let row = ErrorTable.row(for: code)
        #expect((400...599).contains(row.status))
        #expect([2, 3, 4, 5, 6, 7, 8, 64, 70, 74, 141].contains(row.exitCode))
    }

    @Test func `an error has this JSON`() throws {
        let error = DepotError(.notFound, "no such file", object: "a/b")
        #expect(
            String(buffer: try WireJSON.encode(ErrorEnvelope(error)))
                == #"{"error":{"code":"notFound","message":"no such file","object":"a/b"}}"#)
    }
}
