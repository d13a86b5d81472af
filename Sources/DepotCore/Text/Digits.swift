// Ids, times and sequence numbers are read and written some ten times for each name that is listed:
// straight from bytes and into them, without a string for each part.

/// Decimal digits.
enum DecimalDigits {
    /// - Returns: `nil` for no digits, for anything else, and for what is over 64 bits.
    static func value(_ digits: some Collection<UInt8>) -> UInt64? {
        guard !digits.isEmpty else { return nil }
        var value: UInt64 = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            let (tens, isTooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, isOver) = tens.addingReportingOverflow(UInt64(digit - UInt8(ascii: "0")))
            guard !isTooLarge, !isOver else { return nil }
            value = sum
        }
        return value
    }

    /// Fills all places, with zeros in front.
    static func write(_ number: UInt64, to places: Slice<UnsafeMutableBufferPointer<UInt8>>) {
        var (places, rest) = (places, number)
        for place in places.indices.reversed() {
            places[place] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        }
        assert(rest == 0, "text would not sort as its value does")
    }
}

/// Hexadecimal digits.
enum HexDigit {
    /// Of a lowercase digit; `nil` for anything else.
    static func value(of digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        default: nil
        }
    }

    /// The lowercase digit of a value below 16.
    static func digit(_ value: UInt8) -> UInt8 {
        assert(value < 16, "no digit has this value")
        return value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}
