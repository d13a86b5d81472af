import DepotClient
import DepotCore
import Foundation
import Testing

import struct SystemPackage.FilePath

/// Patterns mean what they mean to git.
@Suite struct PathPatternsTests {
    @Test(arguments: [
        (["*.o"], ["a.o", "x/y/b.o", ".o"], ["a.oo", "o"]),
        (["/a"], ["a"], ["x/a", "ab"]),
        (["x/a"], ["x/a"], ["y/x/a", "x/ab"]),
        (["**/a"], ["a", "x/a", "x/y/a"], ["ab", "a/b"]),
        (["a/**"], ["a/b", "a/b/c"], ["a", "x/a/b"]),
        (["a/**/b"], ["a/b", "a/x/b", "a/x/y/b"], ["ab", "x/a/b", "a/x/bc"]),
        (["*.log", "!keep.log"], ["a.log", "x/b.log"], ["keep.log", "x/keep.log"]),
        (["# no", "", "   ", "\\#yes"], ["#yes"], ["# no", "no"]),
        (["\\!a", "b\\ "], ["!a", "b "], ["a", "b"]),
        (["a[0-9]?"], ["a1x", "q/a99"], ["a1", "ax1"]),
        (["*"], ["a", "a/b"], []),
        (["/*/b"], ["x/b"], ["b", "x/y/b"]),
        (["**"], ["a", "a/b"], []),
    ])
    func `a path is left out by the last pattern that matches`(
        _ lines: [String], _ out: [String], _ kept: [String]
    ) throws {
        let patterns = try PathPatterns(lines)
        for path in out {
            #expect(patterns.leavesOut(FilePath(path), isFolder: false), "\(lines) \(path)")
        }
        for path in kept {
            #expect(!patterns.leavesOut(FilePath(path), isFolder: false), "\(lines) \(path)")
        }
    }

    @Test func `a slash at the end is for folders`() throws {
        let patterns = try PathPatterns(["build/", "/a/b/"])
        for path in ["build", "x/build", "a/b"] {
            #expect(patterns.leavesOut(FilePath(path), isFolder: true))
            #expect(!patterns.leavesOut(FilePath(path), isFolder: false))
        }
    }

    /// Going back to each `**` takes longer than anybody waits.
    @Test(.timeLimit(.minutes(1))) func `many stars take no time`() throws {
        let patterns = try PathPatterns([
            String(repeating: "**/a/", count: 100) + "b"
        ])
        let path = FilePath(String(repeating: "a/", count: 400) + "c")
        #expect(!patterns.leavesOut(path, isFolder: false))
    }
}
