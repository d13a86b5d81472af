import DepotCore
import DepotTestSupport

/// Replicas, and the ways to them.
extension WriterModel {
    private func numbers(_ mood: FakeReplica.Mood) -> [Int] {
        replicas.indices.filter { replicas[$0].mood == mood }
    }

    func go() {
        guard let number = pick(numbers(.well)) else { return }
        replicas[number].mood = .unreachable
        story.append("\(step) replica \(number) goes")
    }

    func come() {
        guard let number = pick(numbers(.unreachable)) else { return }
        if Bool.random(using: &random) { crash(number) }
        replicas[number].mood = .well
        story.append("\(step) replica \(number) comes")
    }

    func crash() {
        guard let number = pick(Array(replicas.indices)) else { return }
        crash(number)
    }

    private func crash(_ number: Int) {
        replicas[number].crash(using: &random)
        story.append("\(step) replica \(number) crashes")
    }

    /// What comes next goes into another segment; what was deleted until now stays deleted.
    func seal() {
        guard let number = pick(Array(replicas.indices)) else { return }
        replicas[number].seal()
        story.append("\(step) replica \(number) seals")
    }

    /// The network falls apart: one FileServer does not reach some of the replicas, and has not noticed yet.
    func cut() {
        guard let instance = pick(instances) else { return }
        let cut = replicas.indices.filter { _ in Bool.random(using: &random) }
        for number in cut { instance.depot.links[number].isDown = true }
        story.append("\(step) \(instance.number) does not reach \(cut)")
    }

    func mend() {
        guard let instance = pick(instances) else { return }
        for link in instance.depot.links { link.isDown = false }
        story.append("\(step) \(instance.number) reaches all")
    }

    /// A connection ends before a question came, or before its answer did.
    func loseAnswer() {
        guard let instance = pick(instances), let link = pick(instance.depot.links) else { return }
        let operations: [FaultyReplica.Operation] = [
            .put, .vouch, .adopt, .condemn, .delete, .uploadFinish, .inventory, .standing,
        ]
        guard let operation = pick(operations) else { return }
        let error = DepotError(.unreachable, "the connection ended, says the test")
        let isHeard = Bool.random(using: &random)
        let nth = Int.random(in: 1...3, using: &random)
        link.inject(
            isHeard ? .loseAnswer(error) : .refuse(error), into: operation, calls: .nth(nth))
        story.append(
            "\(step) \(isHeard ? "the answer to" : "") \(operation) \(nth) of \(instance.number) is lost"
        )
    }
}
