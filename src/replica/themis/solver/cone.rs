//! The cone of the `(a, b, c)` with `a, b >= 0` and `2 a b >= c²`: the second-order cone, turned by
//! an eighth, so that where `a` and `b` are far apart the smaller keeps its digits.

use std::f64::consts::FRAC_1_SQRT_2;

/// A point of the cone's space: `a`, `b`, `c`.
pub(super) type ConePoint = [f64; 3];

/// The cone's unit is `(UNIT, UNIT, 0)`.
pub(super) const UNIT: f64 = FRAC_1_SQRT_2;

/// Returns how far a point is inside the cone, as a multiple of the unit; negative outside.
pub(super) fn depth([a, b, c]: ConePoint) -> f64 {
    let (sum, apart) = (UNIT * (a + b), UNIT * (a - b));
    sum - (apart * apart + c * c).sqrt()
}

/// Returns the determinant of a point, which is positive inside the cone.
fn det([a, b, c]: ConePoint) -> f64 {
    2.0 * a * b - c * c
}

/// Returns the product of two points in the cone's algebra.
pub(super) fn product(u: ConePoint, v: ConePoint) -> ConePoint {
    let third = UNIT * u[2] * v[2];
    [
        2.0 * UNIT * u[0] * v[0] + third,
        2.0 * UNIT * u[1] * v[1] + third,
        UNIT * ((u[0] + u[1]) * v[2] + (v[0] + v[1]) * u[2]),
    ]
}

/// Returns the point whose product with `u` is `w`.
pub(super) fn quotient(u: ConePoint, w: ConePoint) -> ConePoint {
    // The first two rows give the first two coordinates in terms of the third, which the last row
    // then decides.
    let (first, second) = (1.0 / (2.0 * UNIT * u[0]), 1.0 / (2.0 * UNIT * u[1]));
    let half = UNIT * u[2];
    let own = UNIT * (u[0] + u[1]) - UNIT * half * u[2] * (first + second);
    let third = (w[2] - half * (w[0] * first + w[1] * second)) / own;
    [(w[0] - half * third) * first, (w[1] - half * third) * second, third]
}

/// A symmetric matrix: its diagonal, and the entries (1, 2), (1, 3) and (2, 3) beside it.
#[derive(Clone, Copy, Debug, Default)]
struct Matrix {
    diagonal: ConePoint,
    beside: ConePoint,
}

impl Matrix {
    const ONE: Matrix = Matrix { diagonal: [1.0; 3], beside: [0.0; 3] };

    /// Returns `size` times the cone's reflection along a point of determinant 1.
    fn along([a, b, c]: ConePoint, size: f64) -> Matrix {
        let double = 2.0 * size;
        Matrix {
            diagonal: [double * a * a, double * b * b, double * c * c + size],
            beside: [size * c * c, double * a * c, double * b * c],
        }
    }

    #[inline]
    fn times(&self, [a, b, c]: ConePoint) -> ConePoint {
        let ([aa, bb, cc], [ab, ac, bc]) = (self.diagonal, self.beside);
        [aa * a + ab * b + ac * c, ab * a + bb * b + bc * c, ac * a + bc * b + cc * c]
    }
}

/// Returns a point of determinant 1 with that determinant exact to the last digit: its smaller side
/// is computed from the others.
fn exact([a, b, c]: ConePoint) -> ConePoint {
    let larger = if a > b { a } else { b };
    let smaller = (0.5 + 0.5 * c * c) / larger;
    [if a > b { a } else { smaller }, if a > b { smaller } else { b }, c]
}

/// Returns the square root of a point of determinant 1.
fn root([a, b, c]: ConePoint) -> ConePoint {
    let by = 1.0 / (2.0 + 2.0 * UNIT * (a + b)).sqrt();
    [(a + UNIT) * by, (b + UNIT) * by, c * by]
}

/// Nesterov and Todd's scaling of two points of the cone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scaling {
    /// The point along which it reflects, and the square of its size.
    along: ConePoint,
    square: f64,
    once: Matrix,
    inverse: Matrix,
    /// The determinant of the first two rows and columns of the inverse.
    det: f64,
    /// The point to which both points are scaled, and its determinant.
    pub(super) point: ConePoint,
    point_det: f64,
}

impl Default for Scaling {
    fn default() -> Scaling {
        let (one, point) = (Matrix::ONE, [UNIT, UNIT, 0.0]);
        Scaling { along: point, square: 1.0, once: one, inverse: one, det: 1.0, point, point_det: 1.0 }
    }
}

impl Scaling {
    /// Returns the scaling that takes `z` to the point to which its inverse takes `s`; `None` if
    /// one of the two is not inside the cone.
    pub(super) fn new(s: ConePoint, z: ConePoint) -> Option<Scaling> {
        let (det_s, det_z) = (det(s), det(z));
        if !(det_s > 0.0 && det_z > 0.0 && s[0] > 0.0 && z[0] > 0.0) {
            return None;
        }
        let (root_s, root_z) = (det_s.sqrt(), det_z.sqrt());
        let square = root_s / root_z;
        let (by_s, by_z) = (1.0 / root_s, 1.0 / root_z);
        let (s, own) = (s.map(|value| value * by_s), z.map(|value| value * by_z));
        let by = 1.0 / (2.0 * (1.0 + s[0] * own[0] + s[1] * own[1] + s[2] * own[2])).sqrt();
        let point = exact([(s[0] + own[1]) * by, (s[1] + own[0]) * by, (s[2] - own[2]) * by]);
        let [a, b, c] = point;
        let once = Matrix::along(exact(root(point)), square.sqrt());
        Some(Scaling {
            once,
            along: point,
            square,
            inverse: Matrix::along([b, a, -c], 1.0 / square),
            det: (1.0 + 2.0 * c * c) / (square * square),
            point: once.times(z),
            point_det: root_s * root_z,
        })
    }

    /// Returns the scaled point.
    pub(super) fn apply(&self, u: ConePoint) -> ConePoint {
        self.once.times(u)
    }

    /// Returns the point scaled twice.
    pub(super) fn apply_twice(&self, u: ConePoint) -> ConePoint {
        Matrix::along(self.along, self.square).times(u)
    }

    /// Returns the point to which the inverse, applied twice, takes `u`.
    pub(super) fn invert_twice(&self, u: ConePoint) -> ConePoint {
        self.inverse.times(u)
    }

    /// Returns the Gram matrix of `(x, 0, 0)` and `(0, v, 0)` under the inverse applied twice: the
    /// products `xx`, `xv`, `vv`, and the determinant.
    pub(super) fn gram(&self, x: f64, v: f64) -> [f64; 4] {
        let [aa, bb, _] = self.inverse.diagonal;
        let area = x * v;
        [x * x * aa, area * self.inverse.beside[0], v * v * bb, area * area * self.det]
    }

    /// Returns a number that, if negative, is minus one over the part of a scaled step that stays
    /// in the cone from the scaled point.
    pub(super) fn least(&self, step: ConePoint) -> f64 {
        let [a, b, c] = self.point;
        let along = a * step[1] + b * step[0] - c * step[2];
        let apart = along * along - det(step) * self.point_det;
        (along - apart.max(0.0).sqrt()) / self.point_det
    }
}
