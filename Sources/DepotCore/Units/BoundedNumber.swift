// A number that a disk, a database, a peer or a user says may be any. Sums, differences and
// products of such numbers overflow, and in Swift an overflow ends the process. So a number is
// bounded where it enters, by the type of the property that keeps it: what is out of bounds is
// refused with the field's name, and what is computed here is held within them. The bounds are far
// beyond any depot, and so far below the machine's that two of them can be added without a thought;
// sums of many are made by `total`.
//
// A property stays a plain number for whoever reads it:
//
// ```swift
// struct Segment: Codable { @ByteCount private(set) var bytes: UInt64 }
// ```

/// A whole number within fixed bounds.
public protocol BoundedNumber: Sendable, Hashable, Comparable, Codable, CustomStringConvertible {
    associatedtype Number: FixedWidthInteger & Codable & Sendable

    static var range: ClosedRange<Number> { get }
    /// What it counts, for messages.
    static var noun: String { get }

    /// Within `range`; what is set from outside it becomes the nearest bound.
    var wrappedValue: Number { get set }
    init(wrappedValue: Number)
}

extension BoundedNumber {
    /// `nil` outside the bounds.
    public init?(exactly number: some BinaryInteger) {
        guard let number = Number(exactly: number), Self.range.contains(number) else { return nil }
        self.init(wrappedValue: number)
    }

    /// The nearest to any number with a fraction; what is no number at all becomes the lower bound.
    public init(rounding number: Double) {
        let isAbove = number >= Double(Self.range.upperBound)
        self.init(
            wrappedValue: Number(exactly: number.rounded())
                ?? (isAbove ? Self.range.upperBound : Self.range.lowerBound))
    }

    static func clamped(_ number: Number) -> Number {
        assert(range.lowerBound >= 0, "what is bounded is counted, and a sum of two has to fit")
        return min(max(number, range.lowerBound), range.upperBound)
    }

    public static func < (left: Self, right: Self) -> Bool {
        left.wrappedValue < right.wrappedValue
    }

    /// - Throws: `DecodingError` naming the bounds and what was found.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let number: Number
        do {
            number = try container.decode(Number.self)
        } catch let error as DecodingError {
            throw error
        } catch {
            // The decoder's own error for a number that its type does not hold, which names no
            // field.
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: Self.fault("a number that is none of them"))
        }
        guard Self.range.contains(number) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: Self.fault("\(number)"))
        }
        self.init(wrappedValue: number)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(wrappedValue)
    }

    static func fault(_ found: String) -> String {
        "expected \(noun) from \(range.lowerBound) to \(range.upperBound), found \(found)"
    }

    public var description: String { String(wrappedValue) }
}

extension FixedWidthInteger {
    /// Adds; the result is the largest or smallest number there is where the sum is beyond it.
    public mutating func increase(by other: Self) {
        let (sum, isOver) = addingReportingOverflow(other)
        self = isOver ? (other < 0 ? .min : .max) : sum
    }

    /// Takes away, down to 0 and no further.
    public mutating func decrease(by other: Self) {
        let (rest, isOver) = subtractingReportingOverflow(other)
        self = isOver || rest < 0 ? 0 : rest
    }
}

extension Sequence {
    /// The sum of a number of each; the largest number there is where the sum is beyond it.
    public func total<Number: FixedWidthInteger>(
        _ number: (Element) throws -> Number
    ) rethrows -> Number {
        try reduce(into: 0) { sum, element in sum.increase(by: try number(element)) }
    }
}
