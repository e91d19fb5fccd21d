// tanh of f32 in sixteen parts. Internal.
#pragma once

#include <array>
#include <cstdint>

namespace dagrad::pointwise {

/// For |x| up to 9.02, from where on tanh is 1 to the last bit. The bits of |x| + kShift from kPartBit on, modulo 16,
/// say which part it is in: parts begin at 0, 3/32, 7/32, 11/32, 19/32, 27/32, ... and double in width with each binary
/// exponent. In each, tanh(|x|) is the polynomial in u = |x| - c with the coefficients p, of which that of u^0 is
/// tanh(c): c was chosen so that tanh(c) is nearly an f32 (S. Gal, 1986), the others interpolate at Chebyshev nodes.
/// The first part, with c = 0, has no u^2 and 1 as coefficient of u, so that small x stay what they are.
struct TanhParts {
  static constexpr float kEnd = 9.02F, kShift = 0.65625F;
  static constexpr int kPartBit = 21;
  alignas(64) std::array<float, 16> c;
  alignas(64) std::array<std::array<float, 16>, 7> p;
};

// clang-format off
inline constexpr TanhParts kTanhParts{
    {1.59349239F, 2.09406519F, 2.59400725F, 3.09443879F, 3.84327626F, 4.84328651F,
      5.84338188F, 6.84554625F, 8.11503315F, 0.0F, 0.156211436F, 0.281213075F,
      0.468835801F, 0.718640923F, 0.968925595F, 1.21902978F},
    {{
     {0.920683086F, 0.970104396F, 0.988895833F, 0.995904148F, 0.999082506F, 0.999875784F,
      0.999983192F, 0.999997735F, 0.999999821F, 0.0F, 0.154953092F, 0.274027437F,
      0.437258184F, 0.616066754F, 0.748231769F, 0.839367747F},
     {0.152342632F, 0.058897458F, 0.0220850315F, 0.00817492977F, 0.00183415774F, 0.000248418277F,
      3.36169578e-05F, 4.52997574e-06F, 3.57670558e-07F, 1.0F, 0.97598952F, 0.924908936F,
      0.808805287F, 0.620461762F, 0.440149218F, 0.295461774F},
     {-0.140259296F, -0.0571366809F, -0.0218397938F, -0.00814145152F, -0.00183246564F, -0.000248385913F,
      -3.36165576e-05F, -4.52990707e-06F, -3.57486272e-07F, 0.0F, -0.1512326F, -0.253450424F,
      -0.353656739F, -0.382245868F, -0.329333633F, -0.248001084F},
     {0.0783604607F, 0.0357969217F, 0.0142353904F, 0.00538295275F, 0.00121861638F, 0.00016543729F,
      2.23947409e-05F, 3.01787418e-06F, 2.37290664e-07F, -0.333333314F, -0.301895589F, -0.238850549F,
      -0.114966005F, 0.0286650732F, 0.099700883F, 0.109677456F},
     {-0.025387641F, -0.015681088F, -0.006797635F, -0.0026469545F, -0.000607295195F, -8.27107215e-05F,
      -1.11971467e-05F, -1.50975393e-06F, -1.20114848e-07F, -1.10111923e-05F, 0.0971933156F, 0.149936199F,
      0.16815266F, 0.109756187F, 0.0351784341F, -0.00939295907F},
     {0.000341990933F, 0.00455195503F, 0.00247688335F, 0.0010309919F, 0.000249530684F, 3.4251967e-05F,
      4.6435166e-06F, 6.25910957e-07F, 5.2224447e-08F, 0.133921295F, 0.107047714F, 0.0590413585F,
      -0.0166257303F, -0.0628186986F, -0.0496728569F, -0.0222118013F},
     {0.00485023065F, -0.000464465411F, -0.000658199657F, -0.00032228959F, -8.10860729e-05F, -1.12769003e-05F,
      -1.54224381e-06F, -2.06164429e-07F, -1.52915405e-08F, -0.0100607211F, -0.0527378097F, -0.0718580261F,
      -0.0561203398F, -0.00630135974F, 0.01804417F, 0.016188534F}
    }}};
// clang-format on

}  // namespace dagrad::pointwise
