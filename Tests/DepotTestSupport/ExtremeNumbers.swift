/// Numbers at which arithmetic and conversions break, with their neighbours. Random ones find none of these places: a
/// sum overflows near the largest number of its type, and hardly anywhere else.
public enum ExtremeNumbers {
    /// What SQLite and signed types hold.
    public static let signed: [Int64] = {
        var numbers: Set<Int64> = [.min, .min + 1, .max - 1, .max]
        for bits in [0, 7, 8, 15, 16, 31, 32, 40, 48, 52, 53, 59, 60, 61, 62] {
            for near in [-1, 0, 1] as [Int64] {
                numbers.insert((1 << Int64(bits)) + near)
                numbers.insert(-(1 << Int64(bits)) + near)
            }
        }
        numbers.insert(0)
        return numbers.sorted()
    }()

    /// What unsigned types hold.
    public static let unsigned: [UInt64] =
        signed.filter { $0 >= 0 }.map(UInt64.init)
        + [1 << 63, 1 << 63 + 1, .max - 1, .max]

    /// All of them as text, and some that no type holds.
    public static let texts: [String] =
        signed.map(String.init) + unsigned.filter { $0 > UInt64(Int64.max) }.map(String.init)
        + ["18446744073709551616", "-9223372036854775809", "1e19", "1e300", "-1e300", "0.5", "-0"]

    /// Sequences of commits, as text.
    public static let sequences = [
        "00000000-0000000000000000", "00000000-0000000000000001", "00000001-0000000000000000",
        "09999999-0999999999999999", "10000000-0000000000000001", "00000001-1000000000000000",
        "99999998-9999999999999998", "99999999-9999999999999999",
    ]
}

/// A text that differs from a sound one in one number.
public struct NumberMutation: Sendable, CustomStringConvertible {
    /// The key in front of the number, or where it stands.
    public let place: String
    public let number: String
    public let text: String

    public var description: String { "\(place): \(number)" }

    /// Of JSON: each number that stands outside quotes becomes each extreme, and each sequence of commits.
    public static func ofJSON(_ json: String) -> [NumberMutation] {
        of(json, numbers: ExtremeNumbers.texts) { isQuoted, word in
            !isQuoted && word.contains { $0.isNumber }
        }
            + of(json, numbers: ExtremeNumbers.sequences.map { "\"\($0)\"" }) { isQuoted, word in
                isQuoted && word.count == 27 && word.dropFirst(9).first == "-"
            }
    }

    private static func of(
        _ json: String, numbers: [String], where isWanted: (_ isQuoted: Bool, Substring) -> Bool
    ) -> [NumberMutation] {
        var mutations: [NumberMutation] = []
        var key = ""
        var index = json.startIndex
        while index < json.endIndex {
            let isQuoted = json[index] == "\""
            guard isQuoted || json[index].isNumber || json[index] == "-" else {
                index = json.index(after: index)
                continue
            }
            let start = index
            index = isQuoted ? end(ofQuoted: json, from: start) : end(ofNumber: json, from: start)
            if isQuoted, index < json.endIndex, json[index] == ":" {
                key = String(json[start..<index].dropFirst().dropLast())
                continue
            }
            guard isWanted(isQuoted, json[start..<index]) else { continue }
            for number in numbers {
                mutations.append(
                    NumberMutation(
                        place: key, number: number,
                        text: json[..<start] + number + json[index...]))
            }
        }
        return mutations
    }

    private static func end(ofQuoted json: String, from start: String.Index) -> String.Index {
        var index = json.index(after: start)
        while index < json.endIndex, json[index] != "\"" {
            if json[index] == "\\" { index = json.index(after: index) }
            index = json.index(after: index)
        }
        return index < json.endIndex ? json.index(after: index) : index
    }

    private static func end(ofNumber json: String, from start: String.Index) -> String.Index {
        json[start...].firstIndex { !$0.isNumber && !"-+.eE".contains($0) } ?? json.endIndex
    }
}
