import Testing

// Everything here runs the `depot` that was built beside the tests, as processes that can be killed. One test at a
// time: each starts several daemons, and what is tested is not how many of them a machine carries.

/// The command, its daemons and their disks, seen from outside.
@Suite(.serialized, .timeLimit(.minutes(2)))
enum CommandTests {}
