import Glibc

/// How many threads this process may keep busy: the processors of its affinity mask, lowered to the CPU
/// quota of its control group (version 2 or 1, rounded down); at least 1.
public func availableProcessorCount() -> Int {
    var count = affinityCount() ?? max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    if let quota = controlGroupQuota() { count = min(count, Int(quota)) }
    return max(count, 1)
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

/// Processors' worth of time that the control group of this process and its parents grant, or nil.
private func controlGroupQuota() -> Double? {
    var quota: Double?
    func lower(_ value: Double?) {
        if let value { quota = min(quota ?? value, value) }
    }
    for line in readSmallFile("/proc/self/cgroup")?.split(separator: "\n") ?? [] {
        let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        guard fields.count == 3 else { continue }
        if fields[0] == "0" {
            for folder in ancestors(of: fields[2], under: "/sys/fs/cgroup") {
                lower(version2Quota(folder))
            }
        } else if fields[1].split(separator: ",").contains("cpu") {
            for folder in ancestors(of: fields[2], under: "/sys/fs/cgroup/cpu") {
                lower(version1Quota(folder))
            }
        }
    }
    return quota
}

/// `cpu.max` holds "max 100000" or "quota period", in microseconds.
private func version2Quota(_ folder: String) -> Double? {
    guard let fields = readSmallFile(folder + "/cpu.max")?.split(whereSeparator: \.isWhitespace),
        fields.count == 2, let quota = Double(fields[0]), let period = Double(fields[1]), period > 0
    else { return nil }
    return quota / period
}

private func version1Quota(_ folder: String) -> Double? {
    guard let quotaText = readSmallFile(folder + "/cpu.cfs_quota_us"),
        let periodText = readSmallFile(folder + "/cpu.cfs_period_us"),
        let quota = Double(quotaText.filter { !$0.isWhitespace }), quota > 0,
        let period = Double(periodText.filter { !$0.isWhitespace }), period > 0
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
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = read(descriptor, &buffer, buffer.count)
    guard count >= 0 else { return nil }
    return String(decoding: buffer[..<count], as: UTF8.self)
}
