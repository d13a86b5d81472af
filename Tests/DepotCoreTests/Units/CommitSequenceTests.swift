import DepotCore
import FoundationEssentials
import Testing

@Suite struct CommitSequenceTests {
    @Test func `text and value have the same order`() {
        let sequences = [
            CommitSequence(epoch: 0, counter: 0), CommitSequence(epoch: 0, counter: 10),
            CommitSequence(epoch: 1, counter: 9),
            CommitSequence(epoch: 1, counter: CommitSequence.counterMax),
            CommitSequence(epoch: 2, counter: 0),
            CommitSequence(epoch: CommitSequence.epochMax, counter: 1),
        ]
        #expect(sequences.shuffled().sorted() == sequences)
        #expect(sequences.map(\.description).sorted() == sequences.map(\.description))
        for sequence in sequences { #expect(CommitSequence(sequence.description) == sequence) }
        #expect("\(CommitSequence(epoch: 1, counter: 5))" == "00000001-0000000000000005")
    }

    @Test(arguments: [
        "", "1-5", "00000001", "00000001-", "00000001-000000000000005",
        "00000001-00000000000000005", "000000001-0000000000000005",
        "00000001-0000000000000005-", "00000001_0000000000000005", "+0000001-0000000000000005",
        "00000001-000000000000000a", "0000000１-0000000000000005", " 0000001-0000000000000005",
        "10000000-0000000000000005", "00000001-1000000000000000", "99999999-9999999999999999",
    ])
    func `no other spelling is taken`(text: String) {
        #expect(CommitSequence(text) == nil)
    }

    @Test func `JSON is its text`() throws {
        let json = Data("[\"00000002-0000000000000007\"]".utf8)
        let sequence = CommitSequence(epoch: 2, counter: 7)
        #expect(try JSONDecoder().decode([CommitSequence].self, from: json) == [sequence])
        #expect(try JSONEncoder().encode([sequence]) == json)
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode([CommitSequence].self, from: Data("[\"2-7\"]".utf8))
        }
    }
}
