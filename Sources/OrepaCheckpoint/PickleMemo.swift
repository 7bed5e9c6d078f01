/// What a pickle has memorised: in practice under the indices 0, 1, 2, ..., though any may occur.
struct PickleMemo {
    private var dense: [PickleValue] = []
    /// Values beyond the end of `dense`.
    private var sparse: [Int: PickleValue] = [:]

    /// Number of values.
    var count: Int { dense.count + sparse.count }

    subscript(index: Int) -> PickleValue? {
        index < dense.count ? dense[index] : sparse[index]
    }

    /// Stores a value under an index that is not negative, and says whether the index is new.
    mutating func store(_ value: PickleValue, at index: Int) -> Bool {
        if index < dense.count {
            dense[index] = value
            return false
        }
        guard index == dense.count else { return sparse.updateValue(value, forKey: index) == nil }
        dense.append(value)
        return sparse.isEmpty || sparse.removeValue(forKey: index) == nil
    }
}
