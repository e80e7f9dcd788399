// photo_net without Python: a picture's pixels in, scores and maps of its classes out. As course_utils.networks.photo_net;
// tests/test_book.py compares the two.

/** Half precision, in base64, as numbers. */
function fromHalf(base64) {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)), halves = new Uint16Array(bytes.buffer);
  return Float32Array.from(halves, (half) => {
    const sign = half >> 15 ? -1 : 1, exponent = (half >> 10) & 31, fraction = half & 1023;
    return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : fraction * 2 ** -24);
  });
}

/** {layer's name: {kernel, bias, shape}} of what the book's maker wrote down. */
function readNetwork(stored) {
  return Object.fromEntries(Object.entries(stored).map(([name, { kernel, bias, shape }]) =>
    [name, { kernel: fromHalf(kernel), bias: fromHalf(bias), shape }]));
}

/**
 * A convolution with "same" padding over maps {h, w, k, values}, plus `added` and ReLU. Where a map is zero, as behind every
 * ReLU half of it is, there is nothing to multiply.
 */
function convolution({ h, w, k, values }, { kernel, bias, shape: [rows, columns, , filters] }, stride, added) {
  const H = Math.ceil(h / stride), W = Math.ceil(w / stride), out = new Float32Array(H * W * filters);
  const before = (n, N, size) => Math.floor(Math.max(0, (N - 1) * stride + size - n) / 2);
  const top = before(h, H, rows), left = before(w, W, columns), sums = new Float32Array(filters);
  for (let y = 0, o = 0; y < H; y++) {
    for (let x = 0; x < W; x++, o += filters) {
      sums.set(bias);
      for (let r = 0; r < rows; r++) {
        const iy = y * stride - top + r;
        if (iy < 0 || iy >= h) continue;
        for (let c = 0; c < columns; c++) {
          const ix = x * stride - left + c;
          if (ix < 0 || ix >= w) continue;
          let weight = (r * columns + c) * k * filters;
          for (let i = (iy * w + ix) * k, end = i + k; i < end; i++, weight += filters) {
            const value = values[i];
            if (value !== 0) for (let f = 0; f < filters; f++) sums[f] += value * kernel[weight + f];
          }
        }
      }
      for (let f = 0; f < filters; f++) out[o + f] = Math.max(0, sums[f] + (added ? added.values[o + f] : 0));
    }
  }
  return { h: H, w: W, k: filters, values: out };
}

/** How drawn the maps behind the second halving look; above 0 is drawn. As networks.unlike_photographs. */
function looksDrawn({ h, w, k, values }, { weights, bias }) {
  let sum = bias;
  for (let j = 0; j < k; j++) {
    let mean = 0, squares = 0;
    for (let i = j; i < values.length; i += k) mean += values[i] / (h * w);
    for (let i = j; i < values.length; i += k) squares += (values[i] - mean) ** 2;
    sum += weights[j] * mean + weights[k + j] * Math.sqrt(squares / (h * w));
  }
  return sum;
}

/** Pixels (h·w, 3) in 0..255 -> {grid, maps (cells, C), scores (C), drawn}: maps raw and signed, the bias in the scores only. */
function explainPhoto(network, pixels, h, w, probe) {
  let x = { h, w, k: 3, values: Float32Array.from(pixels, (value) => value / 127.5 - 1) }, kept = null, drawn = 0;
  for (const [name, layer] of Object.entries(network)) {
    if (name.startsWith("halve")) x = convolution(x, layer, 2);
    else if (name.endsWith("_a")) [kept, x] = [x, convolution(x, layer, 1)];
    else if (name.endsWith("_b")) x = convolution(x, layer, 1, kept);
    if (name === "block_2_1_b") drawn = looksDrawn(x, probe);
  }
  const { kernel, bias } = network.class_scores, C = bias.length, cells = x.h * x.w, maps = new Float32Array(cells * C);
  for (let i = 0; i < cells; i++) {
    for (let j = 0; j < x.k; j++) for (let c = 0; c < C; c++) maps[i * C + c] += x.values[i * x.k + j] * kernel[j * C + c];
  }
  const scores = Array.from(bias, (b, c) => { let sum = 0; for (let i = c; i < maps.length; i += C) sum += maps[i]; return sum / cells + b; });
  return { grid: [x.h, x.w], maps, scores, drawn };
}
