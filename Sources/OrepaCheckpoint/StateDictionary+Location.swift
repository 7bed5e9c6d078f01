import OrepaFiles

/// A dict of a pickle and the dotted path that leads to it.
struct LocatedDictionary {
    let path: String
    /// Its position in the heap.
    let index: Int
}

extension PickleHeap {
    /// Dicts nested deeper than this are not looked into for tensors.
    private static let deepestDictionary = 4
    /// Entries that are looked at, at most, for dicts.
    private static let mostEntries = 1_000_000

    func hasTensors(_ dictionary: Int) -> Bool {
        dictionaries[dictionary].contains {
            if case .tensor = $0.value { true } else { false }
        }
    }

    /// The dict that a dotted path leads to from `dictionary`; a key may have dots itself.
    func dictionary(at path: String, in dictionary: Int) -> Int? {
        let parts = path.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
            .map { String(Substring($0)) }
        // A path is a user's; one of more parts is none.
        guard parts.count <= 16 else { return nil }
        return self.dictionary(at: parts[...], in: dictionary)
    }

    private func dictionary(at parts: ArraySlice<String>, in dictionary: Int) -> Int? {
        for count in 1...parts.count {
            let key = parts.prefix(count).joined(separator: ".")
            guard case .dictionary(let index)? = value(key, in: dictionary) else { continue }
            let rest = parts.dropFirst(count)
            if rest.isEmpty { return index }
            if let found = self.dictionary(at: rest, in: index) { return found }
        }
        return nil
    }

    /// The dicts under `top` that hold tensors, with dotted paths, nearer ones first. Takes time in proportion to what
    /// they hold.
    func dictionariesOfTensors(under top: Int) -> [LocatedDictionary] {
        var found: [LocatedDictionary] = []
        var seen: Set<Int> = [top]
        var level = [LocatedDictionary(path: "", index: top)]
        var entriesLeft = PickleHeap.mostEntries
        for _ in 0..<PickleHeap.deepestDictionary {
            var next: [LocatedDictionary] = []
            for parent in level {
                for (key, value) in dictionaries[parent.index] {
                    entriesLeft -= 1
                    guard entriesLeft > 0 else { return found }
                    guard case .dictionary(let index) = value, let name = text(key),
                        name.utf8.count <= 200, seen.insert(index).inserted
                    else { continue }
                    let path = parent.path.isEmpty ? name : "\(parent.path).\(name)"
                    next.append(LocatedDictionary(path: path, index: index))
                }
            }
            found += next.filter { hasTensors($0.index) }
            level = next
        }
        return found
    }

    /// The dicts among `others` that hold tensors under at least half of the names that `dictionary` has them under,
    /// whatever else: averaged weights, as a rule.
    func counterparts(
        of dictionary: Int, among others: [LocatedDictionary]
    ) -> [LocatedDictionary] {
        let names = tensorNames(dictionary)
        return others.filter { other in
            guard other.index != dictionary else { return false }
            return 2 * tensorNames(other.index).intersection(names).count >= names.count
        }
    }

    /// Names as their bytes, without a leading `module.`. A text that names many tensors is looked at once, and one that
    /// is too long to be a name is none.
    private func tensorNames(_ dictionary: Int) -> Set<[UInt8]> {
        var names: Set<[UInt8]> = []
        var seen: Set<Int> = []
        let prefix = Array("module.".utf8)
        for (key, value) in dictionaries[dictionary] {
            guard case .tensor = value, case .text(let index) = key, seen.insert(index).inserted,
                texts[index].utf8.count <= ByteName.largestByteCount
            else { continue }
            let name = texts[index]
            let bytes = Array(name.utf8)
            names.insert(bytes.starts(with: prefix) ? Array(bytes.dropFirst(prefix.count)) : bytes)
        }
        return names
    }
}
