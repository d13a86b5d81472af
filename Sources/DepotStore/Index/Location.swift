/// Where an object's live copy lies.
struct Location: Hashable {
    let segment: UInt32
    let nonce: UInt64
    /// Of its header.
    let offset: UInt64
    let length: Int

    /// Bytes that its copy takes, header and padding included.
    var space: UInt64 { end - offset }
    /// Where in the log its header is.
    var mark: LogMark { LogMark(segment: segment, offset: offset) }
    /// Where in the log its copy ends.
    var endMark: LogMark { LogMark(segment: segment, offset: end) }
    var contentOffset: UInt64 { offset + UInt64(MemberHeader.size) }
    var contentEnd: UInt64 { contentOffset + UInt64(length) }
    /// Where the next header lies.
    var end: UInt64 { contentOffset + UInt64(MemberHeader.padded(length)) }
}
