//! The algebra of the fit: a function that is made of squares of residuals, its derivatives, and
//! linear systems of seven unknowns.

/// A value for each of the seven parameters.
pub(super) type Vector = [f64; 7];
/// A symmetric matrix. Only its diagonal and what is left of it are used.
pub(super) type Triangle = [Vector; 7];

/// Where a root of a mean of squares is below this, its kink at zero is rounded off.
const SMALLEST_ROOT: f64 = 1e-9;

/// A matrix counts as not positive definite where elimination leaves at most this part of a
/// diagonal element.
const FLATNESS: f64 = 1e-14;

/// An objective at some parameters, and the parabola that approximates it there.
pub(super) struct Parabola {
    pub(super) objective: f64,
    pub(super) gradient: Vector,
    /// The second derivatives of the squares, those of the residuals left out (Gauss-Newton).
    pub(super) curvature: Triangle,
}

impl Parabola {
    /// Creates the parabola of an objective that is zero everywhere.
    pub(super) fn new() -> Parabola {
        Parabola { objective: 0.0, gradient: [0.0; 7], curvature: [[0.0; 7]; 7] }
    }

    /// Adds weight·residual² to the objective. `slope` has the derivatives of the residual.
    pub(super) fn add_square(&mut self, weight: f64, residual: f64, slope: &Vector) {
        self.objective += weight * residual * residual;
        for i in (0..7).filter(|i| slope[*i] != 0.0) {
            self.gradient[i] += 2.0 * weight * residual * slope[i];
            for j in 0..=i {
                self.curvature[i][j] += 2.0 * weight * slope[i] * slope[j];
            }
        }
    }

    /// Adds the root of the mean of `count` squares to the objective; nothing if there are none.
    pub(super) fn add_root(&mut self, squares: &SquareSum, count: f64) {
        if count == 0.0 {
            return;
        }
        let root = (squares.sum / count).sqrt();
        self.objective += root;
        let scale = 1.0 / (count * root.max(SMALLEST_ROOT));
        for i in 0..7 {
            self.gradient[i] += squares.pull[i] * scale;
            for j in 0..=i {
                self.curvature[i][j] += squares.products[i][j] * scale;
            }
        }
    }
}

/// A sum of squares of residuals, with what their derivatives need.
#[derive(Default)]
pub(super) struct SquareSum {
    sum: f64,
    /// Σ residual·slope
    pull: Vector,
    /// Σ slope·slopeᵀ
    products: Triangle,
}

impl SquareSum {
    /// Adds residual². `slope` has the derivatives of the residual.
    pub(super) fn add(&mut self, residual: f64, slope: &Vector) {
        self.sum += residual * residual;
        for i in (0..7).filter(|i| slope[*i] != 0.0) {
            self.pull[i] += residual * slope[i];
            for j in 0..=i {
                self.products[i][j] += slope[i] * slope[j];
            }
        }
    }
}

/// Solves a system of the first `size` rows and columns in place, by Cholesky's method: `right` is
/// then the solution. `None` where the matrix is not positive definite; `right` is then of no use.
pub(super) fn solve_system(matrix: &mut Triangle, right: &mut Vector, size: usize) -> Option<()> {
    for i in 0..size {
        for j in 0..=i {
            let sum = matrix[i][j] - (0..j).map(|k| matrix[i][k] * matrix[j][k]).sum::<f64>();
            if i == j {
                if sum <= FLATNESS * matrix[i][i].abs() || !sum.is_finite() {
                    return None;
                }
                matrix[i][i] = sum.sqrt();
            } else {
                matrix[i][j] = sum / matrix[j][j];
            }
        }
        right[i] = (right[i] - (0..i).map(|k| matrix[i][k] * right[k]).sum::<f64>()) / matrix[i][i];
    }
    for i in (0..size).rev() {
        right[i] = (right[i] - (i + 1..size).map(|k| matrix[k][i] * right[k]).sum::<f64>()) / matrix[i][i];
    }
    Some(())
}
