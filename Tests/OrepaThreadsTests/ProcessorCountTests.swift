import Foundation
import OrepaThreads
import TestSupport
import Testing

/// Control groups made of files in a folder.
@Suite struct ProcessorCountTests {
    @Test func atLeastOneProcessorIsAvailable() {
        #expect(availableProcessorCount() >= 1)
        #expect(availableProcessorCount() <= sysconf(Int32(_SC_NPROCESSORS_CONF)))
    }

    /// - Parameters:
    ///   - membership: What `/proc/self/cgroup` holds.
    ///   - files: Contents by path under the mount.
    private func quota(_ membership: String, _ files: [String: String]) throws -> Int? {
        let folder = try TemporaryFolder()
        for (path, text) in files {
            let url = URL(fileURLWithPath: folder.file(path))
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try text.write(to: url, atomically: false, encoding: .utf8)
        }
        return controlGroupQuota(
            membership: try folder.write(membership, "membership"), root: folder.path)
    }

    @Test(
        arguments: [
            ("max 100000\n", nil), ("250000 100000\n", 2), ("100000 100000\n", 1),
            ("50000 100000\n", 0), ("399999 100000\n", 3), ("9223372036854775807 1\n", Int.max),
            ("99999999999999999999 100000\n", nil), ("inf 100000\n", nil), ("nan 1\n", nil),
            ("100000 0\n", nil), ("-5 -1\n", nil), ("", nil), ("100000\n", nil), ("1 2 3\n", nil),
        ] as [(String, Int?)])
    func versionTwo(text: String, expected: Int?) throws {
        #expect(try quota("0::/app\n", ["app/cpu.max": text]) == expected)
    }

    @Test(
        arguments: [
            ("250000\n", "100000\n", 2), ("-1\n", "100000\n", nil), ("50000\n", "100000\n", 0),
            ("100000\n", "0\n", nil), ("x\n", "100000\n", nil),
        ] as [(String, String, Int?)])
    func versionOne(quota text: String, period: String, expected: Int?) throws {
        let found = try quota(
            "5:memory:/other\n3:cpu,cpuacct:/app\n",
            ["cpu/app/cpu.cfs_quota_us": text, "cpu/app/cpu.cfs_period_us": period])
        #expect(found == expected)
    }

    @Test func theTightestOfTheParentsCounts() throws {
        let files = [
            "a/b/cpu.max": "800000 100000", "a/cpu.max": "300000 100000", "cpu.max": "max 100000",
        ]
        #expect(try quota("0::/a/b\n", files) == 3)
        // Seen from inside a container, whose own group is the root of the mount.
        #expect(try quota("0::/../host/name\n", ["cpu.max": "200000 100000"]) == 2)
    }

    @Test(arguments: ["", "0\n", "::\n", "0::", "garbage", "3:cpu:/nowhere\n"])
    func noQuotaIsNil(membership: String) throws {
        #expect(try quota(membership, [:]) == nil)
    }

    @Test func theCountIsAtLeastOneAndAtMostTheQuota() {
        #expect(processorCount(affinity: 8, quota: nil) == 8)
        #expect(processorCount(affinity: 8, quota: 3) == 3)
        #expect(processorCount(affinity: 8, quota: 0) == 1)
        #expect(processorCount(affinity: 2, quota: .max) == 2)
        #expect(processorCount(affinity: 0, quota: nil) == 1)
    }
}
