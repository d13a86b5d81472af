import DepotCore

// One group is made and one waits while a third is sent: three groups of memory. `AsyncChannel`
// hands over without a place to wait, so that nothing would be made while a group is sent; a stream
// with a buffer drops elements instead of waiting.

/// Carries groups from the task that reads to the task that sends; one group waits at most.
actor GroupPipe {
    private var waiting: UploadGroup?
    private var end: Result<Void, DepotError>?
    private var isClosed = false
    private var sender: CheckedContinuation<Void, Never>?
    private var receiver: CheckedContinuation<Void, Never>?

    /// Waits while another group waits.
    ///
    /// - Returns: whether anybody wants more.
    func send(_ group: UploadGroup) async -> Bool {
        while waiting != nil, !isClosed { await withCheckedContinuation { sender = $0 } }
        guard !isClosed else { return false }
        waiting = group
        receiver.take()?.resume()
        return true
    }

    /// Nothing more comes. The first word on why is the one that counts.
    func finish(_ error: DepotError?) {
        guard end == nil else { return }
        end = error.map { .failure($0) } ?? .success(())
        receiver.take()?.resume()
    }

    /// The next group; `nil` at the end.
    func next() async throws(DepotError) -> UploadGroup? {
        while waiting == nil, end == nil { await withCheckedContinuation { receiver = $0 } }
        if let group = waiting.take() {
            sender.take()?.resume()
            return group
        }
        try end?.get()
        return nil
    }

    func close() {
        isClosed = true
        waiting = nil
        sender.take()?.resume()
    }
}
