import Glibc

/// How many threads this process may keep busy: the processors of its affinity mask, lowered to the CPU
/// quota of its control group (version 2 or 1, rounded down); at least 1.
public func availableProcessorCount() -> Int {
    processorCount(
        affinity: affinityCount() ?? sysconf(Int32(_SC_NPROCESSORS_ONLN)),
        quota: controlGroupQuota())
}

package func processorCount(affinity: Int, quota: Int?) -> Int {
    max(1, min(affinity, quota ?? affinity))
}

/// Bits in the affinity mask of this thread, which the kernel prints as groups of hexadecimal digits.
private func affinityCount() -> Int? {
    let label = "Cpus_allowed:"
    guard let status = readSmallFile("/proc/thread-self/status"),
        let line = status.split(separator: "\n").first(where: { $0.hasPrefix(label) })
    else { return nil }
    let count = line.dropFirst(label.count).compactMap(\.hexDigitValue).reduce(0) {
        $0 + $1.nonzeroBitCount
    }
    return count > 0 ? count : nil
}

/// Whole processors' worth of time that the control group of this process and its parents grant, or nil.
///
/// - Parameters:
///   - membership: The file that says which groups the process is in.
///   - root: Where control groups are mounted.
package func controlGroupQuota(
    membership: String = "/proc/self/cgroup", root: String = "/sys/fs/cgroup"
) -> Int? {
    var quota: Int?
    func lower(_ value: Int?) {
        if let value { quota = min(quota ?? value, value) }
    }
    for line in readSmallFile(membership)?.split(separator: "\n") ?? [] {
        let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        guard fields.count == 3 else { continue }
        if fields[0] == "0" {
            for folder in ancestors(of: fields[2], under: root) {
                lower(version2Quota(folder))
            }
        } else if fields[1].split(separator: ",").contains("cpu") {
            for folder in ancestors(of: fields[2], under: root + "/cpu") {
                lower(version1Quota(folder))
            }
        }
    }
    return quota
}

/// `cpu.max` holds "max 100000" or "quota period", in microseconds.
private func version2Quota(_ folder: String) -> Int? {
    guard let fields = readSmallFile(folder + "/cpu.max")?.split(whereSeparator: \.isWhitespace),
        fields.count == 2, let quota = Int(fields[0]), let period = Int(fields[1]), quota > 0,
        period > 0
    else { return nil }
    return quota / period
}

private func version1Quota(_ folder: String) -> Int? {
    guard let quotaText = readSmallFile(folder + "/cpu.cfs_quota_us"),
        let periodText = readSmallFile(folder + "/cpu.cfs_period_us"),
        let quota = Int(quotaText.filter { !$0.isWhitespace }), quota > 0,
        let period = Int(periodText.filter { !$0.isWhitespace }), period > 0
    else { return nil }
    return quota / period
}

/// The folder of a control group and of each group that contains it. Inside a container the path may name
/// a folder of the host's, which is then simply not there; the root is always tried.
private func ancestors(of group: Substring, under root: String) -> [String] {
    var folders = [root]
    for name in group.split(separator: "/") where name != ".." {
        folders.append(folders[folders.count - 1] + "/" + name)
    }
    return folders
}

private func readSmallFile(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    // Memory: small.
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    // The kernel makes these files whole for one read.
    let count = read(descriptor, &buffer, buffer.count)
    guard count >= 0 else { return nil }
    return String(decoding: buffer[..<count], as: UTF8.self)
}
