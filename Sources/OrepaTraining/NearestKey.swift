/// The candidate with the smallest edit distance to `key` (insert, delete or replace a byte), the first
/// of equals; nil when there is none, or none within `limit`. Names are not compared past 200 bytes, and only the
/// first candidates are, as far as the product of the lengths allows, so that no file makes it take long.
func nearestKey(
    to key: String, among candidates: some Sequence<String>, within limit: Int = .max
) -> String? {
    let target = Array(key.utf8.prefix(200))
    var best: (key: String, distance: Int)?
    // Steps that take a tenth of a second. Networks that exist have at most some thousand keys of 40 bytes.
    var stepsLeft = 50_000_000
    for candidate in candidates {
        let bytes = Array(candidate.utf8.prefix(200))
        stepsLeft -= (target.count + 1) * (bytes.count + 1)
        guard stepsLeft > 0 else { break }
        let distance = editDistance(target, bytes)
        if distance <= limit, distance < best?.distance ?? .max { best = (candidate, distance) }
    }
    return best?.key
}

private func editDistance(_ first: [UInt8], _ second: [UInt8]) -> Int {
    var row = Array(0...second.count)
    for (i, a) in first.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for (j, b) in second.enumerated() {
            let replaced = diagonal + (a == b ? 0 : 1)
            diagonal = row[j + 1]
            row[j + 1] = min(replaced, diagonal + 1, row[j] + 1)
        }
    }
    return row[second.count]
}
