/**
 * What is deployed with: there is no engine of containers to run it with, so it is parsed and held against the program. Names of settings,
 * ports, paths and files must be those that there are.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { CORE_SCHEMA, load, loadAll, mergeTag } from 'js-yaml';
import { described, readConfig } from '../src/config.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const read = (path: string) => readFileSync(root + path, 'utf8');
const port = String(described['PORT']!.default);

interface Service {
  readonly image?: string;
  readonly profiles?: readonly string[];
  readonly read_only?: boolean;
  readonly environment?: Record<string, string>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly depends_on?: readonly string[] | Record<string, unknown>;
  readonly command?: readonly string[];
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: Record<string, any>; // oxlint-disable-line typescript/no-explicit-any
}

/** Of an ingress. */
interface Path {
  readonly backend: { readonly service: { readonly name: string } };
}

/** Settings that a container or unit is given; the rest of its environment is not ours. */
const settingsOf = (environment: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(environment).filter(([name]) => name !== 'NODE_ENV'));

describe('the image', () => {
  const dockerfile = read('Dockerfile');
  const stages = dockerfile.split(/^FROM /m).slice(1);

  it('is built in a stage of its own, from what the repository has, and runs as nobody in particular', () => {
    expect(stages).to.have.length(2);
    const [, last] = stages;
    expect(last).to.match(/^USER node$/m);
    expect(last).to.not.include('npm');
    for (const [, path] of last!.matchAll(/^COPY --from=build \/app\/(\S+) /gm))
      expect(['package.json', 'node_modules', 'dist']).to.include(path);
    const ignored = read('.dockerignore').split('\n');
    for (const needed of ['src', 'lua', 'scripts', 'tsconfig.json', 'package-lock.json'])
      expect(ignored).to.not.include(needed);
    for (const secret of ['.env', 'data']) expect(ignored).to.include(secret);
  });

  it('has settings that there are, their port, and a health check at an address that there is', () => {
    const [, given] = /^ENV (.*)$/m.exec(stages[1]!)!;
    const environment = Object.fromEntries(given!.split(' ').map((pair) => pair.split('=')));
    const settings = settingsOf(environment);
    expect(Object.keys(settings).filter((name) => !(name in described))).to.deep.equal([]);
    expect(settings['PORT']).to.equal(port);
    expect(stages[1]).to.match(new RegExp(`^EXPOSE ${port}$`, 'm'));
    expect(stages[1]).to.match(/^HEALTHCHECK .*\\\n.*\/api\/v1\/health\/ready/m);
    expect(stages[1]).to.match(/^VOLUME \/data$/m);
    expect(stages[1]).to.match(/^CMD \["node", .*"dist\/src\/main\.js"\]$/m);
  });
});

describe('docker-compose.yml', () => {
  const text = read('docker-compose.yml');
  const compose = load(text, { schema: CORE_SCHEMA.withTags(mergeTag) }) as {
    services: Record<string, Service>;
    volumes: object;
    secrets: object;
  };
  const { services } = compose;
  const ours = Object.entries(services).filter(([, { image }]) => image === 'rill');

  it('runs two nodes behind a balancer, a projector and Redis, and the rest by profiles', () => {
    const withProfile = (profile: string | undefined) =>
      Object.keys(services).filter((name) => services[name]!.profiles?.[0] === profile);
    expect(withProfile(undefined)).to.have.members(['redis', 'rill-1', 'rill-2', 'projector', 'balancer']);
    expect(withProfile('metrics')).to.have.members(['prometheus', 'grafana']);
    expect(withProfile('cluster').filter((name) => /^redis-\d$/.test(name))).to.have.length(6);
    expect(ours.map(([name]) => name)).to.have.members(['rill-1', 'rill-2', 'projector', 'rill-cluster']);
  });

  it('gives nodes settings that start them, on a root that they cannot write to', () => {
    for (const [name, service] of ours) {
      const given = Object.entries(service.environment ?? {}).map(([key, value]) => [
        key,
        value.replaceAll(/\$\{(\w+):?[?-]?[^}]*\}/g, (_, variable: string) =>
          variable === 'ADMIN_USERNAMES' ? '' : 'x'.repeat(32),
        ),
      ]);
      const environment = Object.fromEntries(given) as Record<string, string>;
      expect(
        Object.keys(environment).filter((key) => !(key in described)),
        name,
      ).to.deep.equal([]);
      expect(() => readConfig(environment), name).to.not.throw();
      expect(service.read_only, name).to.equal(true);
      expect(service.volumes, name).to.include('files:/data');
    }
    expect(services['balancer']!.ports).to.deep.equal([`${port}:${port}`]);
  });

  it('names files, services and volumes that there are, and asks for what the example has', () => {
    for (const [name, { volumes = [], depends_on: needs = [] }] of Object.entries(services)) {
      for (const volume of volumes) {
        const [from = ''] = volume.split(':');
        if (from.startsWith('./')) expect(existsSync(root + from), `${name}: ${from}`).to.equal(true);
        else expect(compose.volumes, name).to.have.property(from);
      }
      for (const other of Array.isArray(needs) ? needs : Object.keys(needs))
        expect(services, name).to.have.property(other);
    }
    const asked = new Set([...text.matchAll(/(?<!\$)\$\{(\w+)/g)].map((match) => match[1]!));
    const example = new Set([...read('deploy/compose.env').matchAll(/^(\w+)=/gm)].map((match) => match[1]!));
    expect([...asked]).to.have.members([...example]);
    for (const [, host, at] of read('deploy/balancer/haproxy.cfg').matchAll(/^ +server \S+ ([\w-]+):(\d+)/gm))
      expect([host! in services, at]).to.deep.equal([true, port]);
    const { scrape_configs: jobs } = load(read('deploy/prometheus/prometheus.yml')) as {
      scrape_configs: { static_configs: { targets: string[] }[] }[];
    };
    const targets = jobs.flatMap((job) => job.static_configs.flatMap((one) => one.targets));
    for (const target of targets) expect(services).to.have.property(target.split(':')[0]!);
  });

  it('keeps Redis as a node needs it', () => {
    const conf = read('deploy/redis/redis.conf');
    for (const line of ['appendonly yes', 'appendfsync always', 'maxmemory-policy noeviction'])
      expect(conf.split('\n')).to.include(line);
  });
});

describe('the manifests for Kubernetes', () => {
  const folder = 'deploy/kubernetes/';
  const { resources, patches } = load(read(`${folder}kustomization.yaml`)) as {
    resources: string[];
    patches: { path: string }[];
  };
  const manifests = resources.flatMap((file) => loadAll(read(folder + file)) as Manifest[]);
  const ofKind = (kind: string) => manifests.filter((manifest) => manifest.kind === kind);
  const every = (load(read(`${folder}every-role.yaml`)) as Manifest).spec['template'].spec;
  const container = every.containers[0];
  const roles = ['api', 'gateway', 'projector'];

  it('are the files that there are, and whole where kubectl can say so', () => {
    const files = readdirSync(root + folder).filter((file) => file !== 'kustomization.yaml');
    expect([...resources, ...patches.map(({ path }) => path)]).to.have.members(files);
    let built: string;
    try {
      built = execFileSync('kubectl', ['kustomize', root + folder], { encoding: 'utf8', stdio: 'pipe' });
    } catch (error) {
      if ((error as { code?: string }).code === 'ENOENT') return;
      throw error;
    }
    const deployments = (loadAll(built) as Manifest[]).filter(({ kind }) => kind === 'Deployment');
    expect(deployments).to.have.length(3);
    for (const { spec } of deployments) expect(spec['template'].spec.containers[0].image).to.equal('rill:latest');
  });

  it('run three of each role, of which one at a time may go', () => {
    for (const role of roles) {
      const { spec } = ofKind('Deployment').find(({ metadata }) => metadata.name === `rill-${role}`)!;
      expect(spec['replicas'], role).to.equal(3);
      const budget = ofKind('PodDisruptionBudget').find(({ metadata }) => metadata.name === `rill-${role}`)!;
      expect(budget.spec['maxUnavailable']).to.equal(1);
      expect(budget.spec['selector'].matchLabels).to.deep.equal(spec['selector'].matchLabels);
      const environment = spec['template'].spec.containers[0].env as { name: string; value: string }[];
      expect(environment.filter(({ name }) => !(name in described))).to.deep.equal([]);
      expect(environment).to.deep.include({ name: 'ROLES', value: role });
    }
    for (const { spec } of ofKind('HorizontalPodAutoscaler')) {
      expect(spec['minReplicas']).to.equal(3);
      expect(ofKind('Deployment').map(({ metadata }) => metadata.name)).to.include(spec['scaleTargetRef'].name);
    }
    expect(ofKind('HorizontalPodAutoscaler')).to.have.length(2);
  });

  it('count the ingress as a proxy wherever it leads: else all callers share the limits of its address', () => {
    const paths = ofKind('Ingress').flatMap(({ spec }) => spec['rules'][0].http.paths as Path[]);
    const called = paths.map(({ backend }) => backend.service.name);
    expect(called).to.have.members(['rill-api', 'rill-gateway']);
    for (const name of called) {
      const { spec } = ofKind('Deployment').find(({ metadata }) => metadata.name === name)!;
      const { env } = spec['template'].spec.containers[0];
      expect(env, name).to.deep.include({ name: 'TRUSTED_PROXIES', value: '1' });
    }
  });

  it('probe, drain and bound every pod, which writes to its volumes alone', () => {
    expect(container.resources).to.deep.equal({
      requests: { cpu: '250m', memory: '256Mi' },
      limits: { cpu: '500m', memory: '512Mi' },
    });
    expect(container.readinessProbe.httpGet.path).to.equal('/api/v1/health/ready');
    expect(container.livenessProbe.httpGet.path).to.equal('/api/v1/health/live');
    expect(String(container.ports[0].containerPort)).to.equal(port);
    expect(container.lifecycle.preStop.exec.command).to.deep.equal(['sleep', '5']);
    expect(every.terminationGracePeriodSeconds).to.be.above(15);
    expect(every.securityContext.runAsNonRoot).to.equal(true);
    expect(container.securityContext).to.include({ readOnlyRootFilesystem: true, allowPrivilegeEscalation: false });
    expect(container.volumeMounts.map(({ mountPath }: { mountPath: string }) => mountPath)).to.deep.equal([
      '/data',
      '/tmp',
    ]);
  });

  it('let in what comes to the port, and out what goes to Redis, to names and to HTTPS', () => {
    const [policy] = ofKind('NetworkPolicy');
    const { ingress, egress, podSelector } = policy!.spec;
    expect(podSelector.matchLabels).to.deep.equal({ app: 'rill' });
    expect(ingress[0].ports).to.deep.equal([{ protocol: 'TCP', port: container.ports[0].name }]);
    expect(egress.flatMap(({ ports }: { ports: { port: number }[] }) => ports.map((one) => one.port))).to.deep.equal([
      53, 53, 6379, 443,
    ]);
  });
});

describe('the unit of systemd', () => {
  it('starts what the image starts, with settings that there are', () => {
    const unit = read('deploy/systemd/rill.service');
    const [, start] = /^ExecStart=\S*\/node (.*)$/m.exec(unit)!;
    const [, command] = /^CMD (\[.*\])$/m.exec(read('Dockerfile'))!;
    expect(start!.split(' ')).to.deep.equal((JSON.parse(command!) as string[]).slice(1));
    const [, given] = /^Environment=(.*)$/m.exec(unit)!;
    const settings = settingsOf(Object.fromEntries(given!.split(' ').map((pair) => pair.split('='))));
    expect(Object.keys(settings).filter((name) => !(name in described))).to.deep.equal([]);
  });
});
