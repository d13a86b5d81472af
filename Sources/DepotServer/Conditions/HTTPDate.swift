/// A moment as HTTP writes it: `Sun, 06 Nov 1994 08:49:37 GMT`.
enum HTTPDate {
    private static let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// - Parameter seconds: since 1970. `nil` where the year has not four digits.
    static func text(_ seconds: Int64) -> String? {
        guard (0..<253_402_300_800).contains(seconds) else { return nil }
        let day = Int(seconds / 86_400)
        let second = Int(seconds % 86_400)
        let (year, month, date) = civil(day)
        let time = [second / 3_600, second / 60 % 60, second % 60].map(padded)
        return "\(days[day % 7]), \(padded(date)) \(months[month - 1]) \(year) "
            + time.joined(separator: ":") + " GMT"
    }

    private static func padded(_ number: Int) -> String {
        number < 10 ? "0\(number)" : String(number)
    }

    /// Howard Hinnant's `civil_from_days`: years begin in March, eras have 400 of them.
    private static func civil(_ day: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = day + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    /// Reads the three forms that a recipient has to understand: RFC 9110, 5.6.7.
    ///
    /// - Returns: seconds since 1970; `nil` for what is no date.
    static func seconds(_ text: String) -> Int64? {
        let words = text.split { $0 == " " || $0 == "," }.map(String.init)
        switch words.count {
        case 6 where words[5] == "GMT" && words[0].count == 3:
            return seconds(year: words[3], month: words[2], date: words[1], time: words[4])
        case 4 where words[3] == "GMT":
            let date = words[1].split(separator: "-").map(String.init)
            guard date.count == 3, date[2].count == 2, let year = Int(date[2]) else { return nil }
            return seconds(
                year: String(year < 70 ? 2000 + year : 1900 + year), month: date[1], date: date[0],
                time: words[2])
        case 5 where words[4].count == 4:
            return seconds(year: words[4], month: words[1], date: words[2], time: words[3])
        default: return nil
        }
    }

    private static func seconds(
        year: String, month: String, date: String, time: String
    ) -> Int64? {
        let parts = time.split(separator: ":", omittingEmptySubsequences: false).map(digits)
        guard year.count == 4, let year = digits(year), let month = months.firstIndex(of: month),
            let date = digits(date), (1...31).contains(date), parts.count == 3,
            let hour = parts[0], let minute = parts[1], let second = parts[2],
            hour < 24, minute < 60, second <= 60
        else { return nil }
        let day = number(year: year, month: month + 1, day: date)
        return Int64(day) * 86_400 + Int64(hour * 3_600 + minute * 60 + second)
    }

    private static func digits(_ text: some StringProtocol) -> Int? {
        guard (1...4).contains(text.utf8.count),
            text.utf8.allSatisfy({ (0x30...0x39).contains($0) })
        else { return nil }
        return Int(text)
    }

    /// Since 1970; the reverse of `civil`.
    private static func number(year: Int, month: Int, day: Int) -> Int {
        let year = month <= 2 ? year - 1 : year
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}
