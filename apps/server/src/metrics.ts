import { monitorEventLoopDelay } from 'node:perf_hooks';
import { metrics, type Histogram } from '@opentelemetry/api';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { createTelemetry } from '@tenon/core';
import type { Database } from '@tenon/database';

/** The server's metrics. */
export interface ServerMetrics {
  /** How long requests took, in seconds, by method, route pattern and status. Never by full path: its values are unbounded. */
  readonly requestDuration: Histogram;
  /** Adds the pool of a database. */
  observe(database: Database): void;
  /** All metrics of the process in the Prometheus text format. */
  render(): Promise<string>;
  stop(): Promise<void>;
}

/**
 * Installs the OpenTelemetry metrics SDK for this process; every package's metrics go through it. Call it before the services are
 * built: an instrument that was made before stays without effect.
 */
export function startMetrics(): ServerMetrics {
  const exporter = new PrometheusExporter({ preventServerStart: true });
  const provider = new MeterProvider({ readers: [exporter] });
  metrics.disable();
  metrics.setGlobalMeterProvider(provider);
  const serializer = new PrometheusSerializer();
  const telemetry = createTelemetry('@tenon/server');
  const loop = monitorEventLoopDelay({ resolution: 20 });
  loop.enable();

  telemetry.gauge('process.memory.resident', 'Resident memory in bytes', () => process.memoryUsage.rss());
  telemetry.gauge('process.memory.heap', 'Used heap in bytes', () => process.memoryUsage().heapUsed);
  telemetry.gauge(
    'process.event_loop.delay.p99',
    'Event loop delay since the last read, 99th percentile, in seconds',
    () => {
      const seconds = loop.percentile(99) / 1e9;
      loop.reset();
      return Number.isFinite(seconds) ? seconds : 0;
    },
  );

  return {
    requestDuration: telemetry.histogram('http.server.request.duration', 'How long requests took', 's'),
    observe(database: Database): void {
      telemetry.gauge(
        'tenon.database.connections.open',
        'Database connections open',
        () => database.statistics().total,
      );
      telemetry.gauge(
        'tenon.database.connections.idle',
        'Database connections unused',
        () => database.statistics().idle,
      );
      telemetry.gauge(
        'tenon.database.connections.waiting',
        'Callers waiting for one',
        () => database.statistics().waiting,
      );
    },
    async render(): Promise<string> {
      const { resourceMetrics } = await exporter.collect();
      return serializer.serialize(resourceMetrics);
    },
    async stop(): Promise<void> {
      loop.disable();
      metrics.disable();
      await provider.shutdown();
    },
  };
}
