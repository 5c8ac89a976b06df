// Draws the panels of a board with Grafana's own components, from frames as its data source makes them of real answers.
// window.BOARD = {from, to, panels: [{panel, frames}], annotations: [{color, rows}], chosen: {run: "52001"}}.
// Grafana's packages draw no annotations, so these few lines of our own stand in.
import { createRoot } from "react-dom/client";
import {
  applyFieldOverrides,
  createTheme,
  dateTime,
  FieldConfigOptionsRegistry,
  FieldType,
  getFieldDisplayValues,
  renderMarkdown,
  standardTransformers,
  standardTransformersRegistry,
  ThemeContext,
  toDataFrame,
  transformDataFrame,
} from "@grafana/data";
import { BigValue, PanelChrome, Table, TimeSeries } from "@grafana/ui";
import { firstValueFrom } from "rxjs";

const { BOARD } = window;
const theme = createTheme({ colors: { mode: "light" } });
const range = {
  from: dateTime(BOARD.from),
  to: dateTime(BOARD.to),
  raw: { from: dateTime(BOARD.from), to: dateTime(BOARD.to) },
};
const replaceVariables = (text, scoped) =>
  text
    .replace(
      /\$\{__field\.labels\.(\w+)\}/g,
      (whole, name) => scoped?.__dataContext?.value?.field?.labels?.[name] ?? whole,
    )
    .replace(/\$\{(\w+)(?::[^}]*)?\}/g, (whole, name) => BOARD.chosen[name] ?? whole);

// What overrides may name has to be registered.
const STANDARD = [
  "unit",
  "decimals",
  "min",
  "max",
  "displayName",
  "color",
  "thresholds",
  "mappings",
  "links",
  "noValue",
];
const CUSTOM = [
  ...["drawStyle", "lineWidth", "lineStyle", "pointSize", "showPoints", "spanNulls", "hideFrom", "fillBelowTo"],
  ...["fillOpacity", "axisPlacement", "axisLabel", "thresholdsStyle", "cellOptions", "minWidth"],
];
const option = (id, path, isCustom) => ({
  ...{ id, path, isCustom, name: path, shouldApply: () => true },
  process: (value, context) =>
    id === "displayName" && value ? context.replaceVariables(value, context.field?.state?.scopedVars) : value,
  ...{ override: () => null, editor: () => null },
});
const registry = new FieldConfigOptionsRegistry(() => [
  ...STANDARD.map(name => option(name, name, false)),
  ...CUSTOM.map(name => option(`custom.${name}`, name, true)),
]);
standardTransformersRegistry.setInit(() =>
  [standardTransformers.organizeFieldsTransformer].map(one => ({
    ...{ id: one.id, name: one.name, editor: () => null, transformation: async () => one },
  })),
);

async function dataOf({ panel, frames }) {
  const made = frames.map(frame => toDataFrame(frame));
  const data = await firstValueFrom(transformDataFrame(panel.transformations ?? [], made));
  const fieldConfig = panel.fieldConfig ?? { defaults: {}, overrides: [] };
  return applyFieldOverrides({
    data,
    fieldConfig,
    fieldConfigRegistry: registry,
    replaceVariables,
    theme,
    timeZone: "utc",
  });
}

function annotate(builder) {
  builder.addHook("draw", plot => {
    for (const { color, rows } of BOARD.annotations) {
      for (const { time, timeEnd } of rows) {
        const [start, end] = [time, timeEnd].map(moment => plot.valToPos(moment, "x", true));
        const { left, top, width, height } = plot.bbox;
        const [first, last] = [Math.max(start, left), Math.min(end, left + width)];
        if (last < left || first > left + width) continue;
        plot.ctx.save();
        plot.ctx.fillStyle = color;
        plot.ctx.globalAlpha = 0.08;
        plot.ctx.fillRect(first, top, last - first, height);
        plot.ctx.globalAlpha = 0.7;
        for (const x of new Set([first, last])) plot.ctx.fillRect(x, top, 1, height);
        plot.ctx.restore();
      }
    }
  });
  return null;
}

function Content({ panel, data, width, height }) {
  if (panel.type === "text") {
    return <div dangerouslySetInnerHTML={{ __html: renderMarkdown(replaceVariables(panel.options.content)) }} />;
  }
  if (!data.length) return <div>No data</div>;
  if (panel.type === "timeseries") {
    const drawn = field =>
      field.type === FieldType.time || (field.type === FieldType.number && !field.config.custom?.hideFrom?.viz);
    const frames = data.map(frame => ({ ...frame, fields: frame.fields.filter(drawn) }));
    return (
      <TimeSeries frames={frames} timeRange={range} timeZone="utc" legend={panel.options.legend} {...{ width, height }}>
        {annotate}
      </TimeSeries>
    );
  }
  if (panel.type === "stat") {
    const { reduceOptions } = panel.options;
    const values = getFieldDisplayValues({
      fieldConfig: panel.fieldConfig,
      reduceOptions,
      replaceVariables,
      theme,
      data,
      timeZone: "utc",
    });
    return (
      <BigValue
        value={values[0].display}
        colorMode={panel.options.colorMode}
        graphMode="none"
        textMode="value"
        {...{ theme, width, height }}
      />
    );
  }
  return <Table data={data[0]} {...{ width, height }} />;
}

function One({ panel, data }) {
  const { w, h } = panel.gridPos;
  return (
    <PanelChrome title={replaceVariables(panel.title)} width={w * 50} height={h * 36}>
      {(width, height) => <Content {...{ panel, data, width, height }} />}
    </PanelChrome>
  );
}

const place = ({ gridPos: { x, y } }) => ({ position: "absolute", left: x * 50 + 4, top: y * 36 + 4 });
async function draw() {
  const panels = await Promise.all(BOARD.panels.map(async one => ({ panel: one.panel, data: await dataOf(one) })));
  createRoot(document.getElementById("root")).render(
    <ThemeContext.Provider value={theme}>
      <div style={{ fontFamily: "sans-serif", fontSize: 13 }}>
        {panels.map(({ panel, data }, at) => (
          <div key={at} style={place(panel)}>
            <One panel={panel} data={data} />
          </div>
        ))}
      </div>
    </ThemeContext.Provider>,
  );
}

draw();
