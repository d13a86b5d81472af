import DepotCore
import HTTPTypes

extension HTTPFields {
    /// Has a browser take content for content: whatever somebody has deposited, it is no page of
    /// this server's, runs nothing, loads nothing and is shown in nobody's frame.
    mutating func keepFromRunning(as name: FileName) {
        self[.contentSecurityPolicy] = "default-src 'none'; frame-ancestors 'none'; sandbox"
        self[.contentDisposition] = Self.attachment(name)
        self[.xContentTypeOptions] = "nosniff"
        self[own: .resourcePolicy] = "same-origin"
    }

    /// The last part of the name, as RFC 6266 and RFC 8187 write it.
    private static func attachment(_ name: FileName) -> String {
        let last = name.text.utf8.split(separator: UInt8(ascii: "/")).last.map(Array.init) ?? []
        let digits = Array("0123456789ABCDEF")
        let encoded = last.map { byte -> String in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "-"):
                String(Unicode.Scalar(byte))
            default: "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }
        return "attachment; filename*=UTF-8''" + encoded.joined()
    }
}
