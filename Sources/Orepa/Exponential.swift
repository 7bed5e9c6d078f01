/// e to the power of `x`, with an error of less than 1 unit in the last place where the result is normal, and the same
/// bits on every machine, which the C library's does not promise: it is made of single additions and
/// multiplications, which IEEE 754 rounds in one way only.
///
/// `x = k ln 2 + r` with `|r| <= ln 2 / 2`, and `e^x = 2^k e^r`. The logarithm is split in two (W. J. Cody and
/// W. Waite, "Software Manual for the Elementary Functions", 1980, chapter 6), of which the first has 21 zeros at the
/// end (as in Sun's fdlibm, e_exp.c), so that its product with k is exact and so is the difference. `e^r` is its
/// Taylor polynomial of degree 13, whose remainder is less than `|r|^14 / 14! * 1.1 < 5e-18`.
package func exponential(_ x: Double) -> Double {
    if x.isNaN { return x }
    // Beyond these the result is infinite or 0, and k need not be representable.
    if x > 710 { return .infinity }
    if x < -746 { return 0 }
    let k = (x * 1.4426950408889634).rounded(.toNearestOrEven)
    let high = x - k * 6.93147180369123816490e-01
    let low = k * 1.90821492927058770002e-10
    let r = high - low
    // What the subtraction rounded away.
    let rest = (high - r) - low
    var polynomial = inverseFactorials[13]
    for degree in stride(from: 12, through: 2, by: -1) {
        polynomial = polynomial * r + inverseFactorials[degree]
    }
    let result = 1 + (r + (rest + r * r * polynomial))
    return Double(sign: .plus, exponent: Int(k), significand: result)
}

/// 1 / n!, rounded once: n! is exact up to 18.
private let inverseFactorials: [Double] = (0...13).map { n in
    1 / (1...max(n, 1)).reduce(1) { $0 * Double($1) }
}
