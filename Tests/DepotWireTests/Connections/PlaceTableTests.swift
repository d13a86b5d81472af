import Testing

@testable import DepotWire

/// 256 silent connections locked every client out of a FileServer, and 512 a FileServer out of a replica.
@Suite struct PlaceTableTests {
    @Test func `the oldest stranger makes place for the next one`() {
        var table = PlaceTable<Int>(countMax: 16)
        #expect((table.strangersMax, table.strangersOfOneMax, table.knownMax) == (4, 2, 12))
        #expect(table.enter(1, from: "a") == .welcome)
        #expect(table.enter(2, from: "a") == .welcome)
        #expect(table.enter(3, from: "a") == .insteadOf(1))
        #expect(table.enter(4, from: "b") == .welcome)
        #expect(table.enter(5, from: "c") == .welcome)
        // All places of strangers are taken: one of the address that has most of them goes.
        #expect(table.enter(6, from: "d") == .insteadOf(2))
    }

    @Test func `strangers take nothing from those that carry the token`() {
        var table = PlaceTable<Int>(countMax: 16)
        for key in 0..<12 {
            _ = table.enter(key, from: "\(key % 3)")
            #expect(table.begin(key, with: "") == .welcome)
        }
        for key in 100..<200 { #expect(table.enter(key, from: "\(key)") != .full) }
        for key in 0..<12 {
            #expect(table.begin(key, with: "") == .welcome)
        }
        // One more of them, while all are asking.
        #expect(table.begin(199, with: "") == .full)
        table.end(7)
        table.end(3)
        #expect(table.begin(199, with: "") == .insteadOf(7))
    }

    @Test func `who had to go is not let in again, and who left leaves room`() {
        var table = PlaceTable<Int>(countMax: 4)
        #expect(table.enter(1, from: "a") == .welcome)
        #expect(table.enter(2, from: "a") == .insteadOf(1))
        #expect(table.begin(1, with: "") == .full)
        table.leave(2)
        #expect(table.enter(3, from: "a") == .welcome)
    }

    @Test func `those that are missed least go first`() {
        var table = PlaceTable<Int>(countMax: 16)
        for key in 0..<3 {
            _ = table.enter(key, from: "a")
            _ = table.begin(key, with: "")
        }
        table.end(1)
        table.end(0)
        _ = table.enter(3, from: "a")
        #expect(table.leastUseful(2) == [3, 1])
        // 2 is asking.
        #expect(table.leastUseful(5) == [0])
    }

    /// 192 requests whose bodies never came locked everybody out.
    @Test func `one client has three quarters of the places, and others the rest`() {
        var table = PlaceTable<Int>(countMax: 16)
        #expect(table.knownOfOneMax == 9)
        for key in 0..<9 {
            _ = table.enter(key, from: "a")
            #expect(table.begin(key, with: "one") == .welcome)
        }
        _ = table.enter(9, from: "a")
        #expect(table.begin(9, with: "one") == .full)
        // With another token, or from elsewhere, there are places.
        #expect(table.begin(9, with: "other") == .welcome)
        _ = table.enter(10, from: "b")
        #expect(table.begin(10, with: "one") == .welcome)
        // Its own idle ones make place for it.
        table.end(4)
        _ = table.enter(11, from: "a")
        #expect(table.begin(11, with: "one") == .insteadOf(4))
    }

    @Test func `whoever stands still makes place where nobody is idle`() {
        var table = PlaceTable<Int>(countMax: 16)
        for key in 0..<12 {
            _ = table.enter(key, from: "\(key)")
            _ = table.begin(key, with: "")
        }
        for key in [5, 3, 7] { table.standsStill(key) }
        table.goesOn(5)
        _ = table.enter(12, from: "new")
        #expect(table.begin(12, with: "") == .insteadOf(3))
        // An idle one goes before.
        table.end(9)
        _ = table.enter(13, from: "new")
        #expect(table.begin(13, with: "") == .insteadOf(9))
        _ = table.enter(14, from: "new")
        #expect(table.begin(14, with: "") == .insteadOf(7))
        _ = table.enter(15, from: "new")
        #expect(table.begin(15, with: "") == .full)
    }
}
