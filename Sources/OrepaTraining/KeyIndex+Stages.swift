extension KeyIndex {
    /// The stray key that begins most like `module`.
    func nearestStray(to module: String) -> String? {
        let depth = module.split(separator: ".").count
        let beginnings = strays.map {
            $0.split(separator: ".").prefix(depth).joined(separator: ".")
        }
        guard let nearest = nearestKey(to: module, among: beginnings, within: 4) else { return nil }
        return beginnings.firstIndex(of: nearest).map { strays[$0] }
    }

    /// The number of blocks in each stage; stages and blocks must be numbered without gaps.
    func stageSizes() throws(TrainingError) -> [Int] {
        var sizes: [Int] = []
        for stage in stages.keys.sorted() {
            let numbers = stages[stage] ?? []
            guard stage == sizes.count + 1 else {
                throw .gap(
                    path: path, missing: dialect.name(ofBlock: 0, in: sizes.count + 1),
                    found: dialect.name(ofBlock: numbers[0], in: stage))
            }
            for (expected, number) in numbers.enumerated() where number != expected {
                throw .gap(
                    path: path, missing: dialect.name(ofBlock: expected, in: stage),
                    found: dialect.name(ofBlock: number, in: stage))
            }
            sizes.append(numbers.count)
        }
        guard !sizes.isEmpty else {
            let first = dialect.name(ofBlock: 0, in: 1)
            throw .missingBlock(path: path, block: first, nearest: nearestStray(to: first))
        }
        return sizes
    }
}
