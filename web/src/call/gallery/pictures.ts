/** Streams drawn on a canvas, in place of cameras and screens. */
function stream(width: number, height: number, draw: (context: CanvasRenderingContext2D, at: number) => void): MediaStream {
  const canvas = Object.assign(document.createElement('canvas'), { width, height });
  const context = canvas.getContext('2d');
  let at = 0;
  const paint = () => {
    if (context) draw(context, at++);
  };
  paint();
  setInterval(paint, 200);
  return canvas.captureStream(5);
}

/** Somebody in front of a coloured wall. */
export function person(hue: number, width = 640, height = 480): MediaStream {
  return stream(width, height, (context, at) => {
    const wall = context.createLinearGradient(0, 0, width, height);
    wall.addColorStop(0, `hsl(${hue} 35% 62%)`);
    wall.addColorStop(1, `hsl(${hue + 40} 40% 34%)`);
    context.fillStyle = wall;
    context.fillRect(0, 0, width, height);
    const x = width / 2 + Math.sin(at / 6) * 8;
    const unit = Math.min(width, height) / 480;
    context.fillStyle = `hsl(${hue + 180} 30% 30%)`;
    context.beginPath();
    context.ellipse(x, height, 170 * unit, 170 * unit, 0, 0, 2 * Math.PI);
    context.fill();
    context.fillStyle = `hsl(${20 + (hue % 20)} 45% 68%)`;
    context.beginPath();
    context.ellipse(x, height - 240 * unit, 75 * unit, 95 * unit, 0, 0, 2 * Math.PI);
    context.fill();
    context.fillStyle = `hsl(${hue + 20} 30% 18%)`;
    context.beginPath();
    context.ellipse(x, height - 300 * unit, 82 * unit, 55 * unit, 0, 0, 2 * Math.PI);
    context.fill();
  });
}

/** A window with text on a desktop. */
export function desktop(): MediaStream {
  return stream(1280, 800, (context) => {
    context.fillStyle = '#20435c';
    context.fillRect(0, 0, 1280, 800);
    context.fillStyle = '#f7f8fa';
    context.fillRect(120, 70, 1040, 660);
    context.fillStyle = '#d4d9e0';
    context.fillRect(120, 70, 1040, 44);
    context.fillStyle = '#1b1d22';
    context.font = '30px sans-serif';
    context.fillText('Beds for next spring', 160, 170);
    context.fillStyle = '#6f7882';
    for (let row = 0; row < 13; row++) context.fillRect(160, 210 + row * 38, 420 + ((row * 197) % 500), 12);
  });
}
