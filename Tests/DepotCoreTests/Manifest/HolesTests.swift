import DepotCore
import Testing

@Suite struct HolesTests {
    @Test(arguments: ["0-1", "4096-8192", "4096-8192,12288-16384", "0-1152921504606846976"])
    func `holes have one text`(text: String) throws {
        #expect("\(try Holes(text))" == text)
    }

    /// Found by mutated input: numbers with zeros or a plus in front were taken, and written in another way.
    @Test(arguments: [
        "", "-", "0-0", "8192-4096", "04096-8192", "4096-08192", "+4096-8192", "4096-+8192",
        "4096-8192,", ",4096-8192", "4096-8192,8192-12288", "4096-8192,0-1", "4096--8192",
        "4096-8192-1", " 4096-8192", "0-1152921504606846977", "00000001-0000000000000005",
    ])
    func `another text is none`(text: String) {
        #expect(throws: DepotError.self) { try Holes(text) }
    }
}
