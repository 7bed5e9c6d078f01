import CConversionLibraries

/// Adds the product of `left [rows, inner]` and `right [inner, columns]` to `target [rows, columns]`, all
/// row-major, the rows of `left` and `target` `stride` elements apart, those of `right` side by side.
func addMatrixProduct(
    rows: Int, columns: Int, inner: Int,
    _ left: UnsafePointer<Double>, stride leftStride: Int, _ right: UnsafePointer<Double>,
    to target: UnsafeMutablePointer<Double>, stride targetStride: Int
) {
    // OpenBLAS counts in 32 bits. Only rows, which are output channels times taps, can be more.
    let most = 1 << 24
    for row in stride(from: 0, to: rows, by: most) {
        orepa_matrix_product(
            min(most, rows - row), columns, inner, left + row * leftStride, leftStride, right,
            columns, 1, target + row * targetStride, targetStride)
    }
}
