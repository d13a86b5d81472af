import Testing

@testable import DepotWire

/// 200 MiB around five bytes were served.
@Suite struct FramingBoundTests {
    @Test func `a body of chunks of one byte is within it`() {
        var bound = FramingBound(at: 500)
        bound.took(1 << 20)
        #expect(!bound.isExceeded(at: 500 + (1 << 20) * 16))
    }

    @Test func `a body without end around little is not`() {
        var bound = FramingBound(at: 500)
        bound.took(5)
        #expect(!bound.isExceeded(at: 500 + 5 + FramingBound.allowance + 5 * 16))
        #expect(bound.isExceeded(at: 500 + 5 + FramingBound.allowance + 6 * 16))
    }

    /// What came in one read with the head is counted before the body begins.
    @Test func `a body that came with its head is within it`() {
        var bound = FramingBound(at: 9_000)
        bound.took(8_000)
        #expect(!bound.isExceeded(at: 9_000))
    }
}
