// Tight loops over contiguous rows; each function checks the sizes of what it is given.

extension Kernel {
    /// Adds `scale[o] * kernel[o, tap, i]`, with `kernel` as `[O, k * k, I / groups]`.
    mutating func add(_ kernel: [Double], scale: [Double]) {
        precondition(kernel.count == values.count && scale.count == outputs)
        let row = taps * inputs
        values.withUnsafeMutableBufferPointer { target in
            kernel.withUnsafeBufferPointer { source in
                for output in 0..<outputs {
                    let start = output * row
                    addScaled(
                        target.baseAddress! + start, source.baseAddress! + start, scale[output], row
                    )
                }
            }
        }
    }

    /// Adds `scale[o] * pointwise[o, i]` at the centre, with `pointwise` as `[O, I / groups]`.
    mutating func addCentre(_ pointwise: [Double], scale: [Double]) {
        precondition(pointwise.count == outputs * inputs && scale.count == outputs)
        values.withUnsafeMutableBufferPointer { target in
            pointwise.withUnsafeBufferPointer { source in
                for output in 0..<outputs {
                    addScaled(
                        target.baseAddress! + (output * taps + taps / 2) * inputs,
                        source.baseAddress! + output * inputs, scale[output], inputs)
                }
            }
        }
    }

    /// Adds `scale[o] * pointwise[o, i] * filter[tap]`, or `filter[o, tap]` where there is one for each
    /// output channel: a 1x1 convolution and then a fixed filter of each of its channels.
    mutating func addFiltered(_ pointwise: [Double], by filter: [Double], scale: [Double]) {
        precondition(pointwise.count == outputs * inputs && scale.count == outputs)
        precondition(filter.count == taps || filter.count == outputs * taps)
        let stride = filter.count == taps ? 0 : taps
        values.withUnsafeMutableBufferPointer { target in
            pointwise.withUnsafeBufferPointer { source in
                for output in 0..<outputs {
                    for tap in 0..<taps {
                        addScaled(
                            target.baseAddress! + (output * taps + tap) * inputs,
                            source.baseAddress! + output * inputs,
                            scale[output] * filter[output * stride + tap], inputs)
                    }
                }
            }
        }
    }

    /// Adds `scale[o] * sum_t second[o, tap, t] * first[t, i]`, where `t` runs over the channels of `o`'s
    /// group: a 1x1 convolution and then a k x k one.
    ///
    /// `first` is `[T, I / groups]`, `second` `[O, k * k, T / groups]`. Cost: `O * k^2 * T / groups *
    /// I / groups` multiplications in one matrix product for each group, into this kernel directly.
    mutating func addProduct(_ second: consuming [Double], _ first: [Double], scale: [Double]) {
        let inner = first.count / inputs / groups
        precondition(first.count == inner * groups * inputs && scale.count == outputs)
        precondition(second.count == outputs * taps * inner)
        scaleRows(&second, by: scale)
        let rows = outputs / groups * taps
        values.withUnsafeMutableBufferPointer { target in
            second.withUnsafeBufferPointer { left in
                first.withUnsafeBufferPointer { right in
                    for group in 0..<groups {
                        addMatrixProduct(
                            rows: rows, columns: inputs, inner: inner,
                            left.baseAddress! + group * rows * inner, stride: inner,
                            right.baseAddress! + group * inner * inputs,
                            to: target.baseAddress! + group * rows * inputs, stride: inputs)
                    }
                }
            }
        }
    }

    /// Adds OREPA's separable branch: `expansion` depthwise k x k convolutions of each input channel and
    /// then a 1x1 one.
    ///
    /// `depthwise` is `[I, expansion, k * k]`, `pointwise` `[O, I / groups, expansion]`. For output `n` of
    /// group `c`, which is channel `c * (O / groups) + n`, and input `i` of the group, it is
    /// `sum_r pointwise[n * groups + c, i, r] * depthwise[c * (I / groups) + i, r, tap]`: the published code
    /// interleaves the pointwise rows of the groups.
    mutating func addSeparable(
        depthwise: [Double], pointwise: [Double], expansion: Int, scale: [Double]
    ) {
        let width = expansion * inputs
        precondition(depthwise.count == groups * width * taps && scale.count == outputs)
        precondition(pointwise.count == outputs * width)
        let perGroup = outputs / groups
        for group in 0..<groups {
            let start = group * width * taps
            // [expansion, k * k, I / groups]
            let filters: [Double] = transposed(
                Array(depthwise[start..<start + width * taps]), rows: 1, from: inputs,
                by: expansion * taps)
            for member in 0..<perGroup {
                let output = group * perGroup + member
                let row = (member * groups + group) * width
                // [expansion, I / groups]
                let mixing: [Double] = transposed(
                    Array(pointwise[row..<row + width]), rows: 1, from: inputs, by: expansion)
                values.withUnsafeMutableBufferPointer { target in
                    addFilters(
                        filters, mixing, taps: taps, inputs: inputs, scale: scale[output],
                        to: target.baseAddress! + output * taps * inputs)
                }
            }
        }
    }

    /// The kernel of the 3x3 convolution `next` composed with this one as OREPA's large convolution
    /// composes them: size `k + 2`, no groups.
    ///
    /// `result[o, y, x, i] = sum_m sum_{a, b in 0..2} next[o, a, b, m] * self[m, y + a - 2, x + b - 2, i]`,
    /// out of range = 0. It is one matrix product `[O, 9 M] * [9 M, (k + 2) I]` for each row `y`.
    func composed(with next: Kernel) -> Kernel {
        precondition(groups == 1 && next.groups == 1 && next.size == 3 && next.inputs == outputs)
        var result = Kernel(
            outputs: next.outputs, inputs: inputs, size: size + 2, groups: 1)
        let row = result.size * inputs
        var shifted = [Double](repeating: 0, count: 9 * outputs * row)
        for y in 0..<result.size {
            copyShifted(row: y, to: &shifted)
            result.values.withUnsafeMutableBufferPointer { target in
                next.values.withUnsafeBufferPointer { left in
                    shifted.withUnsafeBufferPointer { right in
                        addMatrixProduct(
                            rows: next.outputs, columns: row, inner: 9 * outputs,
                            left.baseAddress!, stride: 9 * outputs, right.baseAddress!,
                            to: target.baseAddress! + y * row, stride: result.taps * inputs)
                    }
                }
            }
        }
        return result
    }

    /// Fills `[3, 3, M, k + 2, I]` with `self[m, y + a - 2, x + b - 2, i]`, zero out of range.
    private func copyShifted(row y: Int, to shifted: inout [Double]) {
        let width = (size + 2) * inputs
        shifted.withUnsafeMutableBufferPointer { target in
            target.update(repeating: 0)
            values.withUnsafeBufferPointer { source in
                for a in 0..<3 where 0..<size ~= y + a - 2 {
                    for b in 0..<3 {
                        for channel in 0..<outputs {
                            // Column x of the result reads column x + b - 2: all columns, 2 - b to the right.
                            let line = ((a * 3 + b) * outputs + channel) * width + (2 - b) * inputs
                            let from = (channel * taps + (y + a - 2) * size) * inputs
                            (target.baseAddress! + line).update(
                                from: source.baseAddress! + from, count: size * inputs)
                        }
                    }
                }
            }
        }
    }

    /// Multiplies output channel `o` by `scale[o]`.
    mutating func scale(by scale: [Double]) {
        precondition(scale.count == outputs)
        scaleRows(&values, by: scale)
    }

    /// The elements as Float in the order of the folded tensor, `[O, I / groups, k, k]`.
    func rounded() -> [Float] {
        transposed(values, rows: outputs, from: taps, by: inputs)
    }
}

/// Adds `scale * source` to `target`, `count` elements each.
private func addScaled(
    _ target: UnsafeMutablePointer<Double>, _ source: UnsafePointer<Double>, _ scale: Double,
    _ count: Int
) {
    for index in 0..<count { target[index] += scale * source[index] }
}

/// Adds `scale * sum_r mixing[r, i] * filters[r, tap, i]` to `target [taps, inputs]`.
private func addFilters(
    _ filters: [Double], _ mixing: [Double], taps: Int, inputs: Int, scale: Double,
    to target: UnsafeMutablePointer<Double>
) {
    filters.withUnsafeBufferPointer { filters in
        mixing.withUnsafeBufferPointer { mixing in
            for tap in 0..<taps {
                let row = target + tap * inputs
                for step in 0..<mixing.count / inputs {
                    let filter = filters.baseAddress! + (step * taps + tap) * inputs
                    let mix = mixing.baseAddress! + step * inputs
                    for input in 0..<inputs { row[input] += scale * mix[input] * filter[input] }
                }
            }
        }
    }
}

/// Multiplies each of `scale.count` equal rows of `values` by its factor.
func scaleRows(_ values: inout [Double], by scale: [Double]) {
    let row = values.count / scale.count
    precondition(row * scale.count == values.count)
    values.withUnsafeMutableBufferPointer { values in
        for (index, factor) in scale.enumerated() {
            let start = values.baseAddress! + index * row
            for position in 0..<row { start[position] *= factor }
        }
    }
}

/// `[rows, first, second]` turned into `[rows, second, first]`, each element converted.
func transposed<Source: BinaryFloatingPoint, Target: BinaryFloatingPoint>(
    _ values: [Source], rows: Int, from first: Int, by second: Int
) -> [Target] {
    precondition(values.count == rows * first * second)
    return Array(unsafeUninitializedCapacity: values.count) { target, count in
        values.withUnsafeBufferPointer { source in
            let base = target.baseAddress!
            for row in 0..<rows {
                let start = row * first * second
                let (from, to) = (source.baseAddress! + start, base + start)
                if first == 1 || second == 1 {
                    for index in 0..<first * second {
                        (to + index).initialize(to: Target(from[index]))
                    }
                    continue
                }
                for column in 0..<second {
                    for line in 0..<first {
                        (to + (column * first + line)).initialize(
                            to: Target(from[line * second + column]))
                    }
                }
            }
        }
        count = values.count
    }
}

/// The position of the first NaN or infinity.
func firstNotFinite(_ values: [Float]) -> Int? {
    values.withUnsafeBufferPointer { buffer in
        var largest: UInt32 = 0
        for value in buffer { largest = max(largest, value.bitPattern & 0x7fff_ffff) }
        guard largest >= Float.infinity.bitPattern else { return nil }
        return buffer.firstIndex { !$0.isFinite }
    }
}

/// The position of the first NaN or infinity.
func firstNotFinite(_ values: [Double]) -> Int? {
    values.withUnsafeBufferPointer { buffer in
        var largest: UInt64 = 0
        for value in buffer { largest = max(largest, value.bitPattern & 0x7fff_ffff_ffff_ffff) }
        guard largest >= Double.infinity.bitPattern else { return nil }
        return buffer.firstIndex { !$0.isFinite }
    }
}

/// Multiplies each of `scale.count` equal rows of `values` by its factor in Double, and rounds.
func scaleRows(_ values: inout [Float], by scale: [Double]) {
    let row = values.count / scale.count
    precondition(row * scale.count == values.count)
    values.withUnsafeMutableBufferPointer { values in
        for (index, factor) in scale.enumerated() {
            let start = values.baseAddress! + index * row
            for position in 0..<row { start[position] = Float(Double(start[position]) * factor) }
        }
    }
}
