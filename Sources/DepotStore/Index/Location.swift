/// Where an object's live copy lies.
struct Location: Hashable {
    let segment: UInt32
    let nonce: UInt64
    /// Of its header.
    let offset: UInt64
    let length: Int

    var contentOffset: UInt64 { offset + UInt64(MemberHeader.size) }
    var contentEnd: UInt64 { contentOffset + UInt64(length) }
    var end: UInt64 { contentOffset + UInt64(MemberHeader.padded(length)) }
}
