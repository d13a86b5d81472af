import Testing

@testable import DepotClient

@Suite struct ReadWindowTests {
    /// A folder full of files of some hundred KiB would take the client's memory otherwise.
    @Test(arguments: [[600 << 10], [1 << 20], [8 << 20], [600 << 10, 8 << 20, 100, 5 << 20]])
    func `windows do not pile up, whatever files are long`(_ sizes: [Int]) {
        let windows = ReadWindows()
        for round in 0..<200 {
            let window = windows.next(capacity: sizes[round % sizes.count])
            #expect(window.readableBytes == 0 && window.capacity >= sizes[round % sizes.count])
            windows.lend(window)
        }
        #expect(windows.bytesKept <= 4 * (8 << 20))
    }
}
