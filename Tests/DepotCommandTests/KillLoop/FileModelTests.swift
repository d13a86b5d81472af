import Testing

/// A model that allows everything would find nothing.
@Suite struct FileModelTests {
    private var model: FileModel

    /// In seconds 10 and 11 content 1 is acknowledged, from 20 to 22 nobody answers to content 2, in 30 and 31 there is a
    /// deletion.
    init() {
        model = FileModel(names: ["f"])
        model.add(FileModel.Word(1, isAcknowledged: true, began: 10, ended: 11), to: "f")
        model.add(FileModel.Word(2, isAcknowledged: false, began: 20, ended: 22), to: "f")
        model.add(FileModel.Word(nil, isAcknowledged: true, began: 30, ended: 31), to: "f")
    }

    @Test(
        arguments: [
            ([1, nil], true), ([1, 2, nil], true), ([1, 1, 2, nil], true), ([2, nil], false),
            ([1, 2], false), ([1], false), ([1, nil, 2], false), ([1, 3, nil], false), ([], false),
        ] as [([Int?], Bool)])
    func `what was acknowledged is among the versions, and nothing that nobody wrote`(
        listed: [Int?], isAllowed: Bool
    ) {
        #expect(model.mayHaveBeen("f", listed) == isAllowed)
    }

    @Test(
        arguments: [
            (9, [nil]), (10, [nil, 1]), (11, [1]), (19, [1]), (20, [1, 2]), (29, [1, 2]),
            (30, [1, 2, nil]), (31, [nil]), (40, [nil]),
        ] as [(Int, Set<Int?>)])
    func `between two operations an instant is certain`(instant: Int, allowed: Set<Int?>) {
        #expect(model.allowed("f", at: instant) == allowed)
    }

    @Test mutating func `what was purged is gone`() {
        let deletion = FileModel.Word(nil, isAcknowledged: true, began: 40, ended: 41)
        model.purge("f", deletion)
        #expect(model.mayHaveBeen("f", []) && model.mayHaveBeen("f", [nil]))
        #expect(!model.mayHaveBeen("f", [1, nil]))
        #expect(model.allowed("f", at: 15) == [nil])
    }

    @Test mutating func `what is held outlives a purge, and may where nobody answered`() {
        let deletion = FileModel.Word(nil, isAcknowledged: true, began: 40, ended: 41)
        model.hold("f", 1, true, isAcknowledged: true)
        model.purge("f", deletion)
        #expect(model.mayHaveBeen("f", [1, nil]) && !model.mayHaveBeen("f", [nil]))
        #expect(model.allowed("f", at: 15) == [nil, 1] && model.allowed("f", at: 35) == [nil])
        model.hold("f", 1, false, isAcknowledged: false)
        model.purge("f", deletion)
        #expect(model.mayHaveBeen("f", [1, nil]) && model.mayHaveBeen("f", [nil]))
        model.hold("f", 1, false, isAcknowledged: true)
        model.purge("f", deletion)
        #expect(model.mayHaveBeen("f", [nil]) && !model.mayHaveBeen("f", [1, nil]))
    }

    @Test mutating func `after a purge that nobody answered to, all may be there or not`() {
        let deletion = FileModel.Word(nil, isAcknowledged: false, began: 40, ended: 41)
        model.purge("f", deletion)
        #expect(model.mayHaveBeen("f", [1, nil]) && model.mayHaveBeen("f", [nil]))
        #expect(model.allowed("f", at: 15) == [1, nil])
    }
}
