extension KeyIndex {
    /// The stray key that begins most like `prefix`.
    func nearestStray(to prefix: String) -> String? {
        let depth = prefix.split(separator: ".").count
        let beginnings = strays.map {
            $0.split(separator: ".").prefix(depth).joined(separator: ".")
        }
        guard let nearest = nearestKey(to: prefix, among: beginnings, within: 4) else { return nil }
        return beginnings.firstIndex(of: nearest).map { strays[$0] }
    }

    /// The number of blocks in `stage1`, `stage2`, ..., which must be numbered without gaps.
    func stageSizes(path: String) throws(TrainingError) -> [Int] {
        var sizes: [Int] = []
        for stage in stages.keys.sorted() {
            let numbers = stages[stage] ?? []
            let first = "stage\(stage).\(numbers[0])"
            guard stage == sizes.count + 1 else {
                throw .gap(path: path, missing: "stage\(sizes.count + 1).0", found: first)
            }
            for (expected, number) in numbers.enumerated() where number != expected {
                throw .gap(
                    path: path, missing: "stage\(stage).\(expected)",
                    found: "stage\(stage).\(number)")
            }
            sizes.append(numbers.count)
        }
        guard !sizes.isEmpty else {
            throw .missingBlock(
                path: path, block: "stage1.0", nearest: nearestStray(to: "stage1.0"))
        }
        return sizes
    }
}
